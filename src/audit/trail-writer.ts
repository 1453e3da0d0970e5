import type { Logger } from 'pino'
import { withoutArguments } from '../revocation/store-errors.js'
import { withDeadline } from '../runtime/deadline.js'
import type { AuditTrail } from './trail.js'

/** Writes to the trail and trims the trail. A failure of the trail does not fail the request. */
export type TrailWriter = {
  /** Appends an event, within the deadline. A failure is reported, never thrown. */
  append(event: string, requestId: string): Promise<void>
  /** Logs and counts an event that the trail did not take. */
  reportFailure(requestId?: string, cause?: unknown): void
  failures(): number
  /** Stops trimming, and waits for what is being written. */
  close(): Promise<void>
}

const trimEveryMs = 60_000

export function createTrailWriter(
  trail: AuditTrail,
  { log, timeoutMs }: { log: Pick<Logger, 'error'>; timeoutMs: number },
): TrailWriter {
  const pending = new Set<Promise<void>>()
  let trailFailures = 0
  const reportFailure: TrailWriter['reportFailure'] = (requestId, cause) => {
    trailFailures += 1
    log.error({ err: withoutArguments(cause), requestId, trailFailures }, 'audit trail not written')
  }
  const attempt = async (work: () => Promise<void>, requestId?: string) => {
    try {
      await withDeadline(work(), timeoutMs)
    } catch (cause) {
      reportFailure(requestId, cause)
    }
  }
  const track = (work: Promise<void>) => {
    pending.add(work)
    return work.finally(() => pending.delete(work))
  }
  const timer = setInterval(() => void track(attempt(() => trail.trim())), trimEveryMs)
  timer.unref()
  return {
    append: (event, requestId) => track(attempt(() => trail.append(event), requestId)),
    reportFailure,
    failures: () => trailFailures,
    async close() {
      clearInterval(timer)
      await Promise.all(pending)
    },
  }
}
