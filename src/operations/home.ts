import type { Answer, Operation } from './operation.js'

type Page = Omit<Answer<'home'> & { status: 200 }, 'status'>

/** @param isReady whether a logout would succeed now; it chooses the page */
export const home =
  ({
    pages,
    isReady,
  }: {
    pages: Readonly<{ ready: Page; notReady: Page }>
    isReady: () => Promise<boolean>
  }): Operation<'home'> =>
  async () => ({ status: 200, ...((await isReady()) ? pages.ready : pages.notReady) })
