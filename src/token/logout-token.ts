import { claimText } from './keys.js'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * Whether claims are those of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6):
 * `iat`, `exp` and `jti`, a `sub` or a `sid`, the event, and no `nonce`, so that an ID token never
 * passes for one.
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

/** Whether a token has the event of a logout token. A logout token is not a credential. */
export const hasLogoutEvent = ({ events }: Readonly<Record<string, unknown>>): boolean =>
  isObject(events) && logoutEvent in events

const isName = (value: unknown) => claimText(value) !== undefined
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
