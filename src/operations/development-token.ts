import { ServiceError } from '../errors.js'
import { isLoopback } from '../runtime/loopback.js'
import type { Operation } from './operation.js'

/**
 * Only under a loopback name: a page of any site could otherwise point a name of its own at this
 * machine, and read the token (DNS rebinding).
 *
 * @param sign `undefined` unless the key is this run's own throwaway key
 */
export const developmentToken =
  ({ sign }: { sign: (() => Promise<string>) | undefined }): Operation<'developmentToken'> =>
  async ({ host = '' }) => {
    if (sign === undefined || !isLoopback(host.replace(/:\d*$/, '')))
      throw new ServiceError('not_found')
    return { status: 200, body: { token: await sign() } }
  }
