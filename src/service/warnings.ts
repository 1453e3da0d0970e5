import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { warnOfIdTokens } from '../telemetry/id-token-warning.js'

type Warner = Pick<Logger, 'warn'>

export function warnOfIssuers({ issuers, throwawaySecret }: Config, log: Warner): void {
  // The key that a service made for one run signs access tokens alone.
  if (throwawaySecret === undefined) warnOfIdTokens(issuers, log)
}

/** In production a restart would make every revoked token work again. */
export function warnOfMemoryStore({ redis, isProduction }: Config, log: Warner): void {
  if (redis === undefined && isProduction)
    log.warn('REDIS_URL is memory: in production: a restart forgets every revocation')
}
