import type { Commit, StoredRevocation } from '../revocation/commit.js'
import type { Entry } from '../revocation/entry.js'
import type { AddressDetail } from '../runtime/ip-addresses.js'
import type { WriteLine } from '../telemetry/log.js'
import type { Outage } from '../telemetry/outages.js'
import type { RevocationKey } from '../token/keys.js'
import {
  failureEvent,
  logLine,
  serialise,
  type AuditEvent,
  type AuditEventName,
  type RevocationEvent,
} from './event.js'
import { createRefusalSampler, createSampler } from './sampler.js'
import type { AuditTrail } from './trail.js'
import { createTrailWriter } from './trail-writer.js'

export type Audit = {
  /**
   * Writes one event to the log and to the trail. It waits for the trail, for no longer than the
   * store's deadline, and never throws. The trail takes 30 refusals of one subject per minute.
   */
  record(event: AuditEvent): Promise<void>
  /**
   * Writes the refusal of a requester without valid credentials to the log, at most ten per second;
   * further refusals are counted. The trail takes none, because such requesters could push other
   * events out of it. Nothing is written when the request has an event already.
   */
  sample(event: Omit<AuditEvent, 'token' | 'keys'>): void
  /** The event of a revocation that succeeds, as the commit takes it. */
  revocationEvent(event: RevocationEvent, entries: readonly Entry[]): string
  /**
   * Records the result of a revocation. A commit has written the event to the trail already, so
   * only the log is written here. When there was nothing to store, both are written here, and when a
   * refresh token was handed to its issuer: the trail then has a second event that has the
   * result. A failure is recorded as refused or unknown, unless the request has an event already.
   *
   * @throws the error of `revocation`
   */
  auditRevocation<Result extends StoredRevocation & Pick<AuditEvent, 'upstreamRevocation'>>(
    event: RevocationEvent,
    revocation: Promise<Result>,
  ): Promise<Result>
  counts(): Readonly<{ trailFailures: number; sampledOut: number }>
  /** Stops trimming, and waits for what is being written. */
  close(): Promise<void>
}

const samplesPerSecond = 10
/** The refusals that the trail takes, per subject or client. The log takes all of them. */
const refusalLimits = { perMinute: 30, mostSubjects: 10_000 }

export type AuditParts = {
  trail: AuditTrail
  /** Of the trail. */
  outage: Outage
  /** Writes a line whatever the log level is; an audit event is JSON already. */
  writeLine: WriteLine
  now: () => number
  timeoutMs: number
  address: AddressDetail
  /** Called with the keys of stored revocations, and their reason. */
  onRevoked: (keys: readonly RevocationKey[], reason: AuditEvent['reason']) => void
}

export function createAudit(parts: AuditParts): Audit {
  const { now, onRevoked } = parts
  const trail = createTrailWriter(parts.trail, parts)
  const sampler = createSampler(samplesPerSecond)
  const refusals = createRefusalSampler(refusalLimits)
  const textOf = (event: AuditEvent) => serialise(event, now(), parts.address)
  const writeLog = (name: AuditEventName, json: string, more?: string) =>
    parts.writeLine(logLine(name, json, now(), more))
  const record: Audit['record'] = async (event) => {
    event.requester.isRecorded = true
    const json = textOf(event)
    writeLog(event.event, json)
    onRevoked(event.keys ?? [], event.reason)
    // A revoked token can be replayed without end, and must not push other events out of the trail.
    if (event.outcome === 'success' || refusals.take(subjectOf(event), now()))
      return trail.append(json, event.requester.requestId)
  }
  const recordFailure = failuresInto(record)
  const recordStored = (event: RevocationEvent, { entries, auditEvent }: Commit) => {
    onRevoked(keysOf(entries), event.reason)
    event.requester.isRecorded = true
    writeLog(event.event, auditEvent)
  }
  return {
    record,
    sample(event) {
      if (event.requester.isRecorded === true) return
      const { isTaken, droppedBefore } = sampler.take(now())
      if (!isTaken) return
      const more = droppedBefore > 0 ? `,"sampledOut":${droppedBefore}` : ''
      writeLog(event.event, textOf(event), more)
    },
    // The spread comes last: after it, a further member would give each object its own hidden class
    // in V8.
    revocationEvent: (event, entries) =>
      textOf({ outcome: 'success', keys: keysOf(entries), ...event }),
    async auditRevocation(event, revocation) {
      const result = await revocation.catch(async (error: unknown) => {
        await recordFailure(event, error)
        throw error
      })
      if (result.outcome === 'nothing_to_store') await record({ ...event, outcome: 'success' })
      else {
        const { commit, upstreamRevocation } = result
        if (result.outcome === 'stored_without_audit')
          trail.reportFailure(storedWithoutEvent(), event.requester.requestId)
        else if (upstreamRevocation === undefined) trail.reportSuccess()
        if (upstreamRevocation === undefined) recordStored(event, commit)
        else await record(storedEvent(event, commit, upstreamRevocation))
      }
      return result
    },
    counts: () => ({
      trailFailures: trail.failures(),
      sampledOut: sampler.dropped() + refusals.dropped(),
    }),
    close: trail.close,
  }
}

/** Records a revocation that failed, unless the request has an event already. */
const failuresInto =
  (record: Audit['record']) =>
  async (event: RevocationEvent, error: unknown): Promise<void> => {
    if (event.requester.isRecorded === true) return
    const failure = failureEvent(event, error)
    const recorded = record(failure)
    // The trail is likely to fail with the store, so the client does not wait for the trail.
    if (failure.outcome !== 'unknown') await recorded
  }

const storedEvent = (
  event: RevocationEvent,
  { entries }: Commit,
  upstreamRevocation: AuditEvent['upstreamRevocation'],
): AuditEvent => ({ ...event, outcome: 'success', keys: keysOf(entries), upstreamRevocation })

const storedWithoutEvent = () => new Error('a revocation was stored without its event')

const keysOf = (entries: readonly Entry[]): RevocationKey[] => entries.map(({ key }) => key)

const subjectOf = ({ client, token }: AuditEvent): string =>
  JSON.stringify([client, token?.named['iss'], token?.named['sub']])
