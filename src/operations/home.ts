import type { Answer, Operation } from './operation.js'

export const home =
  ({ page }: { page: Omit<Answer<'home'> & { status: 200 }, 'status'> }): Operation<'home'> =>
  async () => ({ status: 200, ...page })
