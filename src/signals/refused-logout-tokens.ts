import type { Cause, Reason } from '../errors.js'
import { createHourly } from '../runtime/hourly.js'
import { issuerNamedBy, type Issuer } from '../token/verification.js'

/** The setting that accepts such tokens, if they are right otherwise. */
const settings: Partial<Record<Reason, string>> = {
  logout_token_unknown_issuer: 'issuer (JWT_ISSUER)',
  logout_token_no_backchannel: 'backchannelAudience (JWT_BACKCHANNEL_AUDIENCE)',
  logout_token_audience: 'backchannelAudience (JWT_BACKCHANNEL_AUDIENCE)',
  logout_token_typ: 'backchannelAllow (JWT_BACKCHANNEL_ALLOW): typ-jwt, typ-absent',
  logout_token_no_exp: 'backchannelAllow (JWT_BACKCHANNEL_ALLOW): no-exp',
  logout_token_no_jti: 'backchannelAllow (JWT_BACKCHANNEL_ALLOW): no-jti',
  logout_token_not_in_scope: 'backchannelScope (JWT_BACKCHANNEL_SCOPE)',
}

/** The reason with which a logout token is refused for a cause. */
export const refusedFor = (cause: Cause): Reason => `logout_token_${cause}`

type Parts = Readonly<{
  issuers: () => readonly Issuer[]
  now: () => number
  warn: (details: object, message: string) => void
}>

/**
 * Makes the warning of a refused logout token, since its provider shows the operator no more than a
 * status. It has the configured issuer that the token names, the reason and the setting to look at,
 * never a text from the token. It is written once an hour for each issuer and reason.
 */
export function warnOfRefusedLogoutTokens({ issuers, now, warn }: Parts) {
  const isDue = createHourly(now)
  return (jwt: string, reason: Reason): void => {
    const named = issuerNamedBy(issuers(), jwt)
    const issuer = named === undefined ? '(unknown)' : (named.issuer ?? '(any)')
    if (isDue(`${reason} ${issuer}`))
      warn({ issuer, reason, setting: settings[reason] }, 'a logout token was refused')
  }
}
