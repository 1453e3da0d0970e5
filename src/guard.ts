export { createGuard } from './guard/guard.js'
export type {
  Authorization,
  BareToken,
  FeedOptions,
  Guard,
  GuardEvents,
  GuardIssuer,
  GuardOptions,
  Login,
} from './guard/types.js'
export type { MetricsRegister } from './guard/guard-metrics.js'
export type { CheckOutcome, GuardStats, KeySetStats } from './guard/stats.js'
export { GuardError, type GuardErrorCode, type RefusalBody } from './guard/error.js'
export { FeedError } from './guard/feed-error.js'
export { askIntrospection, type OnUnknown, type FallbackDecision } from './guard/fallback.js'
export { expressGuard } from './guard/adapters/express.js'
export { fastifyGuard } from './guard/adapters/fastify-hook.js'
export { honoGuard } from './guard/adapters/hono-middleware.js'
export { isRevokedForExpressJwt, isRevokedForKoaJwt } from './guard/adapters/is-revoked.js'
export { koaGuard } from './guard/adapters/koa.js'
export { guardRequest, nodeGuard } from './guard/adapters/node.js'
export type { AdapterOptions } from './guard/adapters/options.js'
export {
  fromCookie,
  fromHeader,
  fromProtocol,
  fromQuery,
  type PresentedToken,
  type TokenSource,
} from './guard/adapters/token-sources.js'
export type { Clock } from './runtime/clock.js'
export type { Claims } from './token/verification.js'
export type { EndOfToken, EndOfWatch, OnStale, Watch } from './guard/watch-index.js'
