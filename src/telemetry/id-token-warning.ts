import type { Logger } from 'pino'

type Checked = Readonly<{ issuer?: string | undefined; audience?: unknown; typ?: unknown }>

/**
 * ID tokens carry the same issuer and keys as access tokens; only `aud` and `typ` distinguish them
 * (RFC 8725 §3.9, RFC 9068 §4).
 */
export function warnOfIdTokens(issuers: readonly Checked[], log: Pick<Logger, 'warn'>): void {
  for (const { issuer = '(any)', audience, typ } of issuers)
    if (audience === undefined && typ === undefined)
      log.warn(
        { issuer },
        'no audience is configured (JWT_AUDIENCE): ID tokens of this issuer pass as access tokens',
      )
}
