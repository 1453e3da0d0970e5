import { ServiceError } from '../errors.js'
import type { Answer, Operation } from './operation.js'

/** @param page the API reference; `undefined` when `DOCS` is `off` */
export const docs =
  ({
    page,
  }: {
    page: Omit<Answer<'docs'> & { status: 200 }, 'status'> | undefined
  }): Operation<'docs'> =>
  async () => {
    if (page === undefined) throw new ServiceError('not_found')
    return { status: 200, ...page }
  }
