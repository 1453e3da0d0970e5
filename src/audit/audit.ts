import type { Logger } from 'pino'
import type { components } from '../../generated/openapi.js'
import { ServiceError, type Reason } from '../errors.js'
import { isoTime, type WriteLine } from '../telemetry/log.js'
import { withoutArguments } from '../revocation/store-errors.js'
import { withDeadline } from '../runtime/deadline.js'
import type { Witness } from '../revocation/revocations.js'
import { claimText, type RevocationKey } from '../token/keys.js'
import type { AuditTrail } from './trail.js'
import { auditAddress, type AddressDetail } from '../runtime/ip-addresses.js'

/** Names of the OWASP Application Logging Vocabulary. */
export type AuditEventName = components['schemas']['AuditEventName']

/** An event as the trail keeps it. */
export type StoredEvent = components['schemas']['AuditEvent']

/** Why a machine client revokes. */
export type RevocationReason = components['schemas']['RevocationReason']

/** `unknown`: the store did not say whether the revocation arrived. */
export type Outcome = 'success' | 'refused' | 'unknown'

/** Who asked, as far as the audit trail may know. */
export type Requester = Readonly<{
  requestId: string
  address: string
  userAgent: string | undefined
}> & {
  /** Whether the request has had its event. */
  isRecorded?: boolean
}

export type AuditEvent = Readonly<{
  event: AuditEventName
  outcome: Outcome
  reason:
    | Reason
    | RevocationReason
    | 'logout'
    | 'logout_everywhere'
    | 'oauth_revocation'
    | 'backchannel_logout'
  requester: Requester
  /** The token of a caller who proved who it is, or whatever else names issuer and subject. */
  token?: Readonly<{ claims: Readonly<Record<string, unknown>> }>
  /** Id of the machine client that asked. */
  client?: string
  /** Keys of the revocations that were stored. */
  keys?: readonly RevocationKey[]
}>

export type Audit = {
  /**
   * Writes one event to the log and to the trail. Waits for the trail, for no longer than the store's deadline, and never throws: a
   * trail that fails is counted and logged, and does not undo what happened. Of what one subject is refused, the trail takes 30 events
   * in a minute.
   */
  record(event: AuditEvent): Promise<void>
  /**
   * A refusal of somebody who proved nothing: log only, ten in a second, the rest counted, so that nobody can flush the trail.
   * Nothing happens when the request has had its event.
   */
  sample(event: Omit<AuditEvent, 'token' | 'keys'>): void
  /**
   * Records what became of a revocation by somebody who proved who it is: the keys that were stored, that it was refused, or that it
   * is unknown; nothing more when `work` has recorded its own event. What `work` commits with the witness it is given has its event in
   * the trail, whatever happens to this process.
   *
   * @throws what `work` throws
   */
  attempt(
    event: Omit<AuditEvent, 'outcome' | 'keys'>,
    work: (witness: Witness) => Promise<readonly RevocationKey[]>,
  ): Promise<void>
  counts(): Readonly<{ trailFailures: number; sampledOut: number }>
  /** Stops trimming and waits for what is being written. */
  close(): Promise<void>
}

const longestText = 256
const longestSubject = 1024
const samplesPerSecond = 10
/** Refusals of one subject or client that the trail takes in a minute; the log takes them all. */
const refusalsPerMinute = 30
/** Subjects told apart in a minute; what the rest is refused is for the log alone. */
const mostRefused = 10_000
const trimEveryMs = 60_000

export type AuditParts = {
  trail: AuditTrail
  log: Logger
  /** Audit lines are not a matter of the log level, and their event is JSON already. */
  writeLine: WriteLine
  now: () => number
  timeoutMs: number
  address: AddressDetail
  /** Told of revocations that are stored, and why they were. */
  onRevoked: (keys: readonly RevocationKey[], reason: AuditEvent['reason']) => void
}

export function createAudit(parts: AuditParts): Audit {
  const { trail, now, timeoutMs } = parts
  const writing = new Set<Promise<void>>()
  const counts = { trailFailures: 0, sampledOut: 0 }
  const refused = { minute: 0, bySubject: new Map<string, number>() }
  const sampler = { second: 0, seen: 0, unreported: 0 }

  const failed = (requestId: string | undefined, cause?: unknown) => {
    counts.trailFailures += 1
    parts.log.error(
      { err: withoutArguments(cause), requestId, trailFailures: counts.trailFailures },
      'audit trail not written',
    )
  }
  const logged = (name: AuditEventName, json: string, more = '') =>
    parts.writeLine(
      `{"level":30,"time":"${isoTime(now())}","name":"audit","audit":${json}${more},"msg":"${name}"}\n`,
    )
  const reach = async (work: () => Promise<void>, requestId?: string) => {
    try {
      await withDeadline(work(), timeoutMs)
    } catch (cause) {
      failed(requestId, cause)
    }
  }
  const track = (work: Promise<void>) => {
    writing.add(work)
    return work.finally(() => writing.delete(work))
  }
  const timer = setInterval(() => void track(reach(() => trail.trim())), trimEveryMs)
  timer.unref()

  // A dead token can be replayed without end, and must not push out of the trail what it is for.
  const mayFillTrail = ({ outcome, token, client }: AuditEvent): boolean => {
    if (outcome === 'success') return true
    const minute = Math.floor(now() / 60_000)
    if (minute !== refused.minute) Object.assign(refused, { minute, bySubject: new Map() })
    const who = JSON.stringify([client, token?.claims['iss'], token?.claims['sub']])
    const seen = (refused.bySubject.get(who) ?? 0) + 1
    if (seen > refusalsPerMinute || (seen === 1 && refused.bySubject.size >= mostRefused))
      return false
    refused.bySubject.set(who, seen)
    return true
  }

  const record: Audit['record'] = (event) => {
    event.requester.isRecorded = true
    const json = describe(event, now(), parts.address)
    logged(event.event, json)
    parts.onRevoked(event.keys ?? [], event.reason)
    if (!mayFillTrail(event)) {
      counts.sampledOut += 1
      return Promise.resolve()
    }
    return track(reach(() => trail.append(json), event.requester.requestId))
  }

  return {
    record,
    async attempt(event, work) {
      let json: string | undefined
      const witness: Witness = {
        // In this order: what is added to an object after a spread makes V8 describe its shape anew each time.
        event: (keys) =>
          (json = describe({ outcome: 'success', keys, ...event }, now(), parts.address)),
        failed: () => failed(event.requester.requestId),
      }
      let keys: readonly RevocationKey[]
      try {
        keys = await work(witness)
      } catch (error) {
        if (event.requester.isRecorded === true) throw error
        const reason = (error instanceof ServiceError && error.reason) || 'internal'
        // The trail is likely to be as lost as the store: the caller does not wait for it again.
        if (unknowns.has(reason)) void record({ ...event, outcome: 'unknown', reason })
        else
          await record({
            ...event,
            event: refusals[reason] ?? 'authz_fail',
            outcome: 'refused',
            reason,
          })
        throw error
      }
      if (json === undefined) return record({ ...event, outcome: 'success', keys })
      parts.onRevoked(keys, event.reason)
      event.requester.isRecorded = true
      logged(event.event, json)
    },
    sample(event) {
      if (event.requester.isRecorded === true) return
      const second = Math.floor(now() / 1000)
      if (second !== sampler.second) Object.assign(sampler, { second, seen: 0 })
      sampler.seen += 1
      if (sampler.seen > samplesPerSecond) {
        counts.sampledOut += 1
        sampler.unreported += 1
        return
      }
      const sampledOut = sampler.unreported
      sampler.unreported = 0
      logged(
        event.event,
        describe(event, now(), parts.address),
        sampledOut > 0 ? `,"sampledOut":${sampledOut}` : '',
      )
    },
    counts: () => ({ ...counts }),
    async close() {
      clearInterval(timer)
      await Promise.all(writing)
    },
  }
}

/** Reasons that leave open what happened. */
const unknowns = new Set<Reason>(['store', 'sessions', 'keys', 'internal'])

const refusals: Partial<Record<Reason, AuditEventName>> = {
  revoked: 'authn_token_reuse',
  subject_limit: 'excess_rate_limit_exceeded',
}

/** JSON, in which text from outside can neither end a line nor a member; what is too long is cut. */
function describe(
  { event, outcome, reason, requester, token, client, keys }: AuditEvent,
  nowMs: number,
  detail: AddressDetail,
): string {
  const { iss, sub } = token?.claims ?? {}
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
    address: auditAddress(requester.address, detail),
    userAgent: textOf(requester.userAgent, longestText),
  })
}

const textOf = (value: unknown, longest: number) => {
  const text = typeof value === 'string' ? value : claimText(value)
  return text?.slice(0, longest).toWellFormed()
}
