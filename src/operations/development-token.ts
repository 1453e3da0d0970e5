import { ServiceError } from '../errors.js'
import type { Operation } from './operation.js'

/** @param sign `undefined` unless the key is this run's own throwaway key */
export const developmentToken =
  ({ sign }: { sign: (() => Promise<string>) | undefined }): Operation<'developmentToken'> =>
  async () => {
    if (sign === undefined) throw new ServiceError('not_found')
    return { status: 200, body: { token: await sign() } }
  }
