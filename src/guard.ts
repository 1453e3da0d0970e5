export { createGuard } from './guard/guard.js'
export type {
  Authorization,
  FeedOptions,
  Guard,
  GuardEvents,
  GuardIssuer,
  GuardOptions,
  GuardStats,
  Login,
} from './guard/types.js'
export { GuardError, type GuardErrorCode } from './guard/error.js'
export { FeedError } from './guard/feed-error.js'
export { askIntrospection, type OnUnknown, type FallbackDecision } from './guard/fallback.js'
export { expressGuard } from './guard/adapters/express.js'
export { fastifyGuard } from './guard/adapters/fastify.js'
export { honoGuard } from './guard/adapters/hono.js'
export { isRevokedForExpressJwt, isRevokedForKoaJwt } from './guard/adapters/is-revoked.js'
export { koaGuard } from './guard/adapters/koa.js'
export { guardRequest } from './guard/adapters/node.js'
export type { Clock } from './runtime/clock.js'
export type { Claims } from './token/verification.js'
export type { EndOfToken } from './guard/watches.js'
