import { claimText } from './keys.js'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * What OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6 demand of the claims beyond those of any token: `iat`, `exp` and `jti`, a
 * `sub` or a `sid`, the event, and no `nonce`, so that an ID token can never pass for one.
 */
export function isLogoutToken(claims: Readonly<Record<string, unknown>>): boolean {
  const { iat, exp, jti, sub, sid, events } = claims
  return (
    Number.isFinite(iat) &&
    Number(iat) >= 0 &&
    typeof exp === 'number' &&
    isName(jti) &&
    (sub === undefined || isName(sub)) &&
    (sid === undefined || isName(sid)) &&
    (sub !== undefined || sid !== undefined) &&
    isObject(events) &&
    isObject(events[logoutEvent]) &&
    !('nonce' in claims)
  )
}

/** Whether a token says that it is a logout token, which is no credential of anybody. */
export const hasLogoutEvent = ({ events }: Readonly<Record<string, unknown>>): boolean =>
  isObject(events) && logoutEvent in events

const isName = (value: unknown) => claimText(value) !== undefined
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
