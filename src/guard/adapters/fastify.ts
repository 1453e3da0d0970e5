import type {} from 'fastify'
import type { Claims } from '../../token/verification.js'

export { fastifyGuard, type FastifyGuardOptions } from './fastify-hook.js'
export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

// In a file of its own: it does not compile where Fastify is not installed.
declare module 'fastify' {
  interface FastifyRequest {
    /** The claims that `fastifyGuard` has checked. */
    claims?: Claims
  }
}
