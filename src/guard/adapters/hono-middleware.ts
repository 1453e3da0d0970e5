import type { Claims } from '../../token/verification.js'
import type { Guard } from '../types.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

type HonoContext = {
  req: { header(name: string): string | undefined }
  set(name: 'claims', claims: Claims): void
  json(body: object, status: 401 | 403 | 503, headers: Record<string, string>): Response
}

export type HonoGuardOptions = AdapterOptions<HonoContext, HonoContext>

/**
 * Hono middleware; the claims are in `c.get('claims')`. `getToken` and `onRefused` get the context;
 * `onRefused` answers by returning a `Response`, or by `c.res`.
 *
 * @throws TypeError with every fault of the options
 */
export function honoGuard(guard: Guard, options?: HonoGuardOptions) {
  const { check, onRefused } = createRequestCheck('honoGuard', guard, options)
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const { refusal, claims } = await check(c)
    if (refusal === undefined) {
      if (claims !== undefined) c.set('claims', claims)
      await next()
      return undefined
    }
    if (onRefused === undefined) return c.json(refusal.body, refusal.status, refusal.headers)
    const answer = await onRefused(refusal, c, c)
    return answer instanceof Response ? answer : undefined
  }
}
