import { ServiceError } from '../errors.js'
import type { Operation } from './operation.js'

/** @param sign absent wherever the keys are not this run's own throwaway key */
export const developmentToken =
  ({ sign }: { sign: (() => Promise<string>) | undefined }): Operation<'developmentToken'> =>
  async () => {
    if (sign === undefined) throw new ServiceError('not_found')
    return { status: 200, body: { token: await sign() } }
  }
