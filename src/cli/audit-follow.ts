import { setTimeout as pause } from 'node:timers/promises'
import type { StoredEvent } from '../audit/event.js'
import { readNewest, type Newest, type ReadPage } from './audit-pages.js'
import { Refused } from './service-request.js'

const pollEveryMs = 1_000
/** Events of several instances may be out of order by up to this much. */
const overlapMs = 10_000

/**
 * Finds the events that are new. Every read begins `overlapMs` before the newest event so far, so
 * most events are read more than once.
 *
 * @param first events that are printed already
 */
export function createNewEvents({ events: first, readAtMs }: Newest) {
  const timeOf = ({ time }: StoredEvent) => Date.parse(time)
  const seen = new Map(first.map((event) => [JSON.stringify(event), timeOf(event)]))
  // The user did not ask for events that are older than the first one printed.
  const oldestMs = first[0] === undefined ? -Infinity : timeOf(first[0])
  const latest = (times: Iterable<number>, sinceMs: number) =>
    Math.max(sinceMs, ...[...times].map((ms) => ms - overlapMs))
  let fromMs = latest(seen.values(), readAtMs - overlapMs)
  return {
    /** Where the next read begins; it never goes back. */
    from: () => new Date(fromMs).toISOString(),
    /** The events of a read that have not been seen before. */
    add(events: readonly StoredEvent[]): StoredEvent[] {
      const added = events.filter((event) => {
        const text = JSON.stringify(event)
        const isNew = !seen.has(text)
        if (isNew) seen.set(text, timeOf(event))
        return isNew
      })
      fromMs = latest(seen.values(), fromMs)
      for (const [text, ms] of seen) if (ms < fromMs) seen.delete(text)
      return added.filter((event) => timeOf(event) >= oldestMs)
    },
  }
}

/**
 * Prints new events until `signal` is aborted. When the service does not answer, `warn` gets one
 * line for each new kind of failure, and the missed events are printed once the service is back.
 *
 * @throws Refused
 */
export async function followEvents(parts: {
  first: Newest
  readPage: ReadPage
  signal: AbortSignal
  print: (event: StoredEvent) => void
  warn: (message: string) => void
}): Promise<void> {
  const { readPage, signal } = parts
  const newEvents = createNewEvents(parts.first)
  let failure: string | undefined
  while (!signal.aborted) {
    // Ctrl-C ends the pause, and with it the loop.
    await pause(pollEveryMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      const { events } = await readNewest(readPage, signal, {
        most: Infinity,
        from: newEvents.from(),
      })
      newEvents.add(events).forEach(parts.print)
      failure = undefined
    } catch (error) {
      if (error instanceof Refused) throw error
      const { message } = error as Error
      if (message !== failure) parts.warn(message)
      failure = message
    }
  }
}
