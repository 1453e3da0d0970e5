import type { Cause } from '../errors.js'
import { hasTyp, refuse, type Claims } from './claims.js'
import { claimText } from './keys.js'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * What the logout tokens of an issuer may lack or have, beside what OpenID Connect Back-Channel
 * Logout 1.0 §2.4 allows:
 *
 * - `typ-jwt`, `typ-absent`: a header with `typ` `JWT`, or without a `typ`.
 * - `no-exp`: no `exp`. `iat` is then at most 300 s old.
 * - `no-jti`: no `jti`. A replay is then the same token again.
 */
export const backchannelAllowances = ['typ-jwt', 'typ-absent', 'no-exp', 'no-jti'] as const
export type BackchannelAllowance = (typeof backchannelAllowances)[number]

/** What an issuer demands of its logout tokens, beside issuer and audience. */
export type LogoutTokenDemands = Readonly<{
  backchannelTyp: string
  backchannelAllow: readonly BackchannelAllowance[]
}>

/** How old a logout token without `exp` may be. */
const oldestWithoutExpMs = 300_000

/**
 * Checks header and claims of a logout token whose signature is verified (OpenID Connect
 * Back-Channel Logout 1.0 §2.4, §2.6): `typ`, the event, no `nonce`, so that an ID token never
 * passes for one, `iat`, `exp` and `jti`, and a `sub` or a `sid`.
 *
 * @throws ServiceError `invalid_token` with the cause
 */
export function checkLogoutToken(
  header: Readonly<Record<string, unknown>>,
  claims: Claims,
  demands: LogoutTokenDemands,
  nowMs: number,
): void {
  const cause = hasLogoutTyp(header, demands)
    ? (faultOfKind(claims) ?? faultOfTimes(claims, demands, nowMs) ?? faultOfNames(claims, demands))
    : 'typ'
  if (cause !== undefined) throw refuse(cause)
}

/** Whether a token has the event of a logout token. A logout token is not a credential. */
export const hasLogoutEvent = ({ events }: Readonly<Record<string, unknown>>): boolean =>
  isObject(events) && logoutEvent in events

function hasLogoutTyp(
  header: Readonly<Record<string, unknown>>,
  { backchannelTyp, backchannelAllow }: LogoutTokenDemands,
): boolean {
  if (header['typ'] === undefined) return backchannelAllow.includes('typ-absent')
  return (
    hasTyp(header, backchannelTyp) ||
    (hasTyp(header, 'JWT') && backchannelAllow.includes('typ-jwt'))
  )
}

function faultOfKind(claims: Claims): Cause | undefined {
  const { events } = claims
  if (!isObject(events) || !isObject(events[logoutEvent])) return 'no_event'
  return 'nonce' in claims ? 'nonce' : undefined
}

function faultOfTimes(
  { iat, exp }: Claims,
  { backchannelAllow }: LogoutTokenDemands,
  nowMs: number,
): Cause | undefined {
  if (iat === undefined || !Number.isFinite(iat) || iat < 0) return 'no_iat'
  if (exp !== undefined) return undefined
  if (!backchannelAllow.includes('no-exp')) return 'no_exp'
  return nowMs - iat * 1000 > oldestWithoutExpMs ? 'too_old' : undefined
}

function faultOfNames(
  { jti, sub, sid }: Claims,
  { backchannelAllow }: LogoutTokenDemands,
): Cause | undefined {
  if (!isName(jti) && !backchannelAllow.includes('no-jti')) return 'no_jti'
  if (sub === undefined && sid === undefined) return 'no_subject'
  // A session or subject that cannot be a key cannot be revoked, so a 200 would be false.
  const isUsable = [sub, sid].every((name) => name === undefined || isName(name))
  return isUsable ? undefined : 'claims'
}

const isName = (value: unknown) => claimText(value) !== undefined
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
