import type { components } from '../../generated/openapi.js'
import { ServiceError, type Reason } from '../errors.js'
import { auditAddress, type AddressDetail } from '../runtime/ip-addresses.js'
import { isoTime } from '../telemetry/log.js'
import type { NamedClaims } from '../token/claim-mapping.js'
import { claimText, type RevocationKey } from '../token/keys.js'

/** Names of the OWASP Application Logging Vocabulary. */
export type AuditEventName = components['schemas']['AuditEventName']

/** An event as the trail keeps it. */
export type StoredEvent = components['schemas']['AuditEvent']

/** Why a machine client revokes. */
export type RevocationReason = components['schemas']['RevocationReason']

/** Whether the issuer has revoked the refresh token of a logout. */
export type UpstreamRevocation = components['schemas']['UpstreamRevocation']

/** `unknown`: the store did not answer whether the revocation is stored. */
export type AuditOutcome = 'success' | 'refused' | 'unknown'

/** The sender of a request, as far as the audit trail may know. */
export type Requester = Readonly<{
  requestId: string
  address: string
  userAgent: string | undefined
}> & {
  /** Whether an event of this request has been recorded. */
  isRecorded?: boolean
}

export type AuditEvent = Readonly<{
  event: AuditEventName
  outcome: AuditOutcome
  reason:
    | Reason
    | RevocationReason
    | 'logout'
    | 'logout_everywhere'
    | 'oauth_revocation'
    | 'backchannel_logout'
    | 'global_token_revocation'
    | 'erasure'
  requester: Requester
  /** The verified token of the requester, or what else names issuer and subject. */
  token?: Readonly<{ named: NamedClaims }>
  /** Id of the machine client, or issuer of the transmitter. */
  client?: string
  /** Keys of the revocations that were stored. */
  keys?: readonly RevocationKey[]
  /** How many events of the trail an erasure has deleted. */
  erased?: number
  /** Absent where the request had no refresh token. */
  upstreamRevocation?: UpstreamRevocation | undefined
}>

/** A revocation before its outcome is known. */
export type RevocationEvent = Omit<AuditEvent, 'outcome' | 'keys'>

const longestText = 256
const longestSubject = 1024

/**
 * The event as JSON. Text from outside can end neither a line nor a member, and is cut when it is
 * too long.
 */
export function serialise(auditEvent: AuditEvent, nowMs: number, detail: AddressDetail): string {
  const { event, outcome, reason, requester, token, client, keys } = auditEvent
  const { upstreamRevocation, erased } = auditEvent
  const { iss, sub } = token?.named ?? {}
  return JSON.stringify({
    time: isoTime(nowMs),
    event,
    outcome,
    reason,
    requestId: requester.requestId,
    client: textOf(client, longestText),
    issuer: textOf(iss, longestSubject),
    subject: textOf(sub, longestSubject),
    keys: keys !== undefined && keys.length > 0 ? keys : undefined,
    upstreamRevocation,
    address: auditAddress(requester.address, detail),
    userAgent: textOf(requester.userAgent, longestText),
    erased,
  })
}

/**
 * Whether an event names this subject. Of a name that was cut, the beginning counts. An event of a
 * token without `iss` has no issuer.
 */
export function namesSubject(claims: { iss: string | null; sub: string }) {
  const issuer = textOf(claims.iss ?? '', longestSubject)
  const subject = textOf(claims.sub, longestSubject)
  return (event: StoredEvent): boolean =>
    event.subject === subject && (event.issuer ?? '') === issuer
}

/** The log line of an event that is JSON already. `more` is the JSON text of further members. */
export const logLine = (name: AuditEventName, json: string, nowMs: number, more = ''): string =>
  `{"level":"info","time":"${isoTime(nowMs)}","name":"audit","audit":${json}${more},"msg":"${name}"}\n`

const textOf = (value: unknown, longest: number) => {
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : claimText(value)
  return text?.slice(0, longest).toWellFormed()
}

/** Reasons with which it is unknown whether the revocation is stored. */
const unknowns = new Set<Reason>(['store', 'sessions', 'keys', 'internal'])

const refusals: Partial<Record<Reason, AuditEventName>> = {
  revoked: 'authn_token_reuse',
  subject_limit: 'excess_rate_limit_exceeded',
}

/** The event of a revocation that failed with this error. */
export function failureEvent(event: RevocationEvent, error: unknown): AuditEvent {
  const reason = (error instanceof ServiceError && error.reason) || 'internal'
  if (unknowns.has(reason)) return { ...event, outcome: 'unknown', reason }
  return { ...event, event: refusals[reason] ?? 'authz_fail', outcome: 'refused', reason }
}
