import type { Claims } from '../../token/verification.js'
import { refusalOf } from '../error.js'
import type { Guard } from '../types.js'

type HonoContext = {
  req: { header(name: string): string | undefined }
  set(name: 'claims', claims: Claims): void
  json(body: object, status: 401 | 503, headers: Record<string, string>): Response
}

/** Hono middleware; the claims are in `c.get('claims')`. */
export const honoGuard =
  (guard: Guard) =>
  async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      c.set('claims', await guard.check(c.req.header('authorization')))
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return c.json(body, status, headers)
    }
    await next()
    return undefined
  }
