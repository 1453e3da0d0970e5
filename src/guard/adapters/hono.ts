import type {} from 'hono'
import type { Claims } from '../../token/verification.js'

export { honoGuard, type HonoGuardOptions } from './hono-middleware.js'
export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

// In a file of its own: it does not compile where Hono is not installed.
declare module 'hono' {
  interface ContextVariableMap {
    /** The claims that `honoGuard` has checked. */
    claims?: Claims
  }
}
