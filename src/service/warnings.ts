import type { Logger } from 'pino'
import type { Config } from '../config/config.js'

type Warner = Pick<Logger, 'warn'>

/**
 * ID tokens carry the same issuer and keys as access tokens; only `aud` and `typ` distinguish them
 * (RFC 8725 §3.9, RFC 9068 §4).
 */
export function warnOfIdTokens({ issuers, throwawaySecret }: Config, log: Warner): void {
  if (throwawaySecret !== undefined) return
  for (const { issuer = '(any)', audience, typ } of issuers) {
    if (audience === undefined && typ === undefined)
      log.warn(
        { issuer },
        'no audience is configured (JWT_AUDIENCE): ID tokens of this issuer pass as access tokens',
      )
  }
}

/** In production a restart would make every revoked token work again. */
export function warnOfMemoryStore({ redis, isProduction }: Config, log: Warner): void {
  if (redis === undefined && isProduction)
    log.warn('REDIS_URL is memory: in production: a restart forgets every revocation')
}
