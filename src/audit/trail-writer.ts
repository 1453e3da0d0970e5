import { withoutArguments } from '../revocation/store-errors.js'
import { withDeadline } from '../runtime/deadline.js'
import type { Outage } from '../telemetry/outages.js'
import type { AuditTrail } from './trail.js'

/** Writes to the trail and trims the trail. A failure of the trail does not fail the request. */
export type TrailWriter = {
  /** Appends an event, within the deadline. A failure is reported, never thrown. */
  append(event: string, requestId: string): Promise<void>
  /** Counts an event that the trail did not take. */
  reportFailure(cause: unknown, requestId?: string): void
  /** The trail has taken an event otherwise. */
  reportSuccess(): void
  failures(): number
  /** Stops trimming, and waits for what is being written. */
  close(): Promise<void>
}

const trimEveryMs = 60_000

export function createTrailWriter(
  trail: AuditTrail,
  { outage, timeoutMs }: { outage: Outage; timeoutMs: number },
): TrailWriter {
  const pending = new Set<Promise<void>>()
  let trailFailures = 0
  const fail = (cause: unknown, what: 'events' | 'trim', first = {}) =>
    outage.failed({
      problem: 'audit trail not written',
      cause: withoutArguments(cause),
      what,
      first,
    })
  const reportFailure: TrailWriter['reportFailure'] = (cause, requestId) => {
    trailFailures += 1
    fail(cause, 'events', { requestId })
  }
  const attempt = async (work: () => Promise<void>, onFailure: (cause: unknown) => void) => {
    try {
      await withDeadline(work(), timeoutMs)
      outage.works()
    } catch (cause) {
      onFailure(cause)
    }
  }
  const track = (work: Promise<void>) => {
    pending.add(work)
    return work.finally(() => pending.delete(work))
  }
  const trim = () => attempt(trail.trim, (cause) => fail(cause, 'trim'))
  const timer = setInterval(() => void track(trim()), trimEveryMs)
  timer.unref()
  return {
    append: (event, requestId) =>
      track(
        attempt(
          () => trail.append(event),
          (cause) => reportFailure(cause, requestId),
        ),
      ),
    reportFailure,
    reportSuccess: outage.works,
    failures: () => trailFailures,
    async close() {
      clearInterval(timer)
      await Promise.all(pending)
    },
  }
}
