export { createGuard } from './guard/guard.js'
export type {
  Authorization,
  FeedOptions,
  Guard,
  GuardEvents,
  GuardIssuer,
  GuardOptions,
  GuardStats,
} from './guard/types.js'
export { GuardError, type GuardErrorCode } from './guard/error.js'
export { FeedError } from './guard/feed-error.js'
export { askIntrospection, type OnUnknown, type FallbackDecision } from './guard/fallback.js'
export {
  expressGuard,
  fastifyGuard,
  guardRequest,
  honoGuard,
  isRevokedForExpressJwt,
  isRevokedForKoaJwt,
  koaGuard,
} from './guard/adapters.js'
export type { Clock } from './runtime/clock.js'
export type { Claims } from './token/verification.js'
export type { EndOfToken } from './guard/watches.js'
