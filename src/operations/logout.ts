import type { Audit, AuditEvent, Asker } from '../audit.js'
import { bearerToken } from '../bearer.js'
import { clearingHeaders, type ExpiredCookie } from '../browser.js'
import { ServiceError } from '../errors.js'
import { rateLimitHeaders, type Limiter, type Verdict } from '../limits.js'
import type { Revocations } from '../revocations.js'
import { sessionKeysOf } from '../sessions.js'
import { isOfSameHolder, type Verification, type VerifiedToken } from '../token/verification.js'
import type { Operation } from './operation.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  subjectLimiter: Limiter | undefined
  browser: { cookies: readonly ExpiredCookie[]; clearSiteData: string }
}

/** Revokes the presented tokens. The revocation is written last: what fails before it leaves the token usable for the repeat. */
export function logout(parts: Parts): Operation<'logout'> {
  const { verification, revocations, audit } = parts
  const clearing = { secure: clearingHeaders({ ...parts.browser, secure: true }), plain: clearingHeaders({ ...parts.browser, secure: false }) }
  return async ({ body, authorization, asker, secure }) => {
    const scope = body.scope ?? 'local'
    const refuse = (caller: VerifiedToken, error: unknown) => recordRefusal(audit, asker, caller, error)
    const bearer = bearerToken(authorization)
    const caller = await verification.verify(bearer)
    const presented: Presented = body.token === bearer ? [caller] : [caller, await verifyOther(verification, caller, body.token, refuse)]
    let verdict: Verdict | undefined
    try {
      verdict = await admit(parts, presented, scope, asker)
    } catch (error) {
      await refuse(caller, error)
      throw error
    }
    const reason = scope === 'global' ? 'logout_everywhere' : 'logout'
    await audit.attempt({ event: 'authn_token_revoked', reason, asker, token: caller }, (witness) =>
      revocations.revoke(presented, scope, witness, sessionKeysOf(presented)))
    return {
      status: 200,
      body: { success: true, message: 'Sesión cerrada exitosamente' },
      headers: Object.assign(limitHeaders(parts.subjectLimiter, verdict), secure ? clearing.secure : clearing.plain),
    }
  }
}

type Presented = readonly [VerifiedToken, ...VerifiedToken[]]

/** The body's token, where it is not written like the bearer's. */
async function verifyOther(
  verification: Verification, caller: VerifiedToken, named: string, onRefusal: (caller: VerifiedToken, error: unknown) => Promise<void>,
): Promise<VerifiedToken> {
  try {
    const other = await verification.verify(named)
    if (!isOfSameHolder(caller, other)) throw new ServiceError('invalid_token', { reason: 'other_subject' })
    return other
  } catch (error) {
    // An expired token proves nobody's presence, but its genuineness is what the trail is about.
    await onRefusal(caller, error)
    throw error
  }
}

/** What verified tokens still have to pass, in the contract's order: not expired, within the subject's limit, not revoked. */
async function admit(parts: Parts, presented: Presented, scope: 'local' | 'global', asker: Asker): Promise<Verdict | undefined> {
  const [caller] = presented
  if (presented.some(({ expired }) => expired)) await refuseExpired(presented, parts.revocations, parts.audit, asker)
  if (scope === 'global' && caller.keys.u === undefined) throw new ServiceError('bad_request', { reason: 'no_subject' })
  // Both questions go to Redis in one round trip.
  const checking = parts.revocations.isRevoked(caller)
  // It is met below, unless the limit comes first.
  checking.catch(() => undefined)
  const verdict = await parts.subjectLimiter?.consume(subjectOf(caller))
  if (verdict !== undefined && !verdict.allowed) throw tooMany(parts.subjectLimiter, verdict)
  if (await checking) {
    // Whoever holds a dead token must not use up the limit of its subject.
    await Promise.all([parts.subjectLimiter?.refund(subjectOf(caller)), parts.revocations.confirm(caller)])
    throw new ServiceError('invalid_token', { reason: 'revoked' })
  }
  return verdict
}

// Another API may grant leeway and accept the token a little longer, so it is stored before the refusal.
async function refuseExpired(presented: Presented, revocations: Revocations, audit: Audit, asker: Asker): Promise<never> {
  const keys = await revocations.revokeExpired(presented)
  await audit.record({ event: 'session_use_after_expire', outcome: 'refused', reason: 'expired', asker, token: presented[0], keys })
  throw new ServiceError('token_expired')
}

const subjectOf = ({ keys }: VerifiedToken) => keys.u ?? keys.t

const tooMany = (limiter: Limiter | undefined, verdict: Verdict) =>
  new ServiceError('too_many_requests', { reason: 'subject_limit', headers: limitHeaders(limiter, verdict) })

const limitHeaders = (limiter: Limiter | undefined, verdict: Verdict | undefined) =>
  limiter === undefined || verdict === undefined ? {} : rateLimitHeaders(limiter, verdict)

const eventByReason: Partial<Record<string, AuditEvent['event']>> = {
  revoked: 'authn_token_reuse',
  subject_limit: 'excess_rate_limit_exceeded',
  store: 'authn_token_revoked',
  keys: 'authn_token_revoked',
}

async function recordRefusal(audit: Audit, asker: Asker, token: VerifiedToken, error: unknown): Promise<void> {
  const reason = error instanceof ServiceError ? error.reason : 'internal'
  // An expired token has had its event.
  if (reason === undefined) return
  const outcome = reason === 'store' || reason === 'keys' || reason === 'internal' ? 'unknown' : 'refused'
  const recorded = audit.record({ event: eventByReason[reason] ?? 'authz_fail', outcome, reason, asker, token })
  // The trail is likely to be as lost as the store: the caller does not wait for it again.
  if (outcome === 'refused') await recorded
}
