import type { Audit } from '../audit/audit.js'
import type { RevocationEvent } from '../audit/event.js'
import { ServiceError } from '../errors.js'
import { commitOf, isStored, type Commit } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { VerifiedToken } from '../token/verification.js'
import type { SubjectLimiter } from './rate-limits.js'

type Parts = Readonly<{
  revocations: Pick<Revocations, 'sessionEntryOf'>
  audit: Pick<Audit, 'revocationEvent' | 'auditRevocation'>
  subjectLimiter: SubjectLimiter
  /** A token ends its session for this long after its `exp`; 0: not at all. */
  expiredEndsSessionMs: number
  now: () => number
}>

/**
 * Ends the sessions of tokens that have expired not longer ago than the service allows: a client
 * that comes back from a long sleep has no other token. Each session counts as a request of its
 * subject, unless it has ended already.
 *
 * @throws ServiceError `too_many_requests`, `store_unavailable`, `session_store_unavailable`
 */
export async function endExpiredSessions(
  parts: Parts,
  tokens: readonly VerifiedToken[],
  event: RevocationEvent,
): Promise<void> {
  const { audit, subjectLimiter, expiredEndsSessionMs, now } = parts
  const earliestMs = now() - expiredEndsSessionMs
  for (const token of tokens) {
    const { timing, expMs } = token
    const isRecent = timing === 'expired' && expMs !== undefined && expMs > earliestMs
    const commit = isRecent ? commitFor(parts, token, event) : undefined
    if (commit === undefined) continue
    const { outcome, headers } = await subjectLimiter.enforceLimit(commit)
    if (outcome === 'rate_limited')
      throw new ServiceError('too_many_requests', { reason: 'subject_limit', headers })
    if (isStored(outcome)) await audit.auditRevocation(event, Promise.resolve({ outcome, commit }))
  }
}

/** Nothing for a token that names no session. */
function commitFor(
  { revocations, audit, subjectLimiter }: Parts,
  token: VerifiedToken,
  event: RevocationEvent,
): Commit | undefined {
  const entry = revocations.sessionEntryOf(token)
  if (entry === undefined) return undefined
  const { key, untilMs } = entry
  return commitOf([entry], {
    auditEvent: audit.revocationEvent(event, [entry]),
    sessionKeysToDelete: sessionKeysOf([token]),
    preconditions: {
      keys: [key],
      issuedAtS: undefined,
      untilMs: token.expMs ?? untilMs,
      isKnownRevoked: false,
    },
    rateLimit: subjectLimiter.rateLimitOf(token.keys.u ?? token.keys.t),
  })
}
