import { randomUUID } from 'node:crypto'
import type { FeedEvent } from '../feed/event.js'
import type { FeedLog } from '../feed/feed-source.js'
import type { Entry } from '../revocation/entry.js'

const feedLength = 100_000

/** The feed of the embedded store. */
export function createMemoryFeed(now: () => number, all: () => Entry[]) {
  const startMs = Math.max(0, Math.floor(now()))
  let events: FeedEvent[] = [{ id: `${startMs}-0`, entry: undefined }]
  let sequence = 0
  const waiting = new Set<() => void>()
  const identity = { epoch: randomUUID(), runId: randomUUID(), replicationId: '' }
  const indexOf = (id: string) => Math.max(0, sequenceOf(id) - sequenceOf(events[0]?.id ?? id))
  const nextEvent = (ms: number) =>
    new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      timer.unref()
      waiting.add(end)
    })
  const log: FeedLog = {
    begin: async () => undefined,
    connection: () => 1,
    isConnected: () => true,
    isKnown: () => true,
    identity: async () => identity,
    bounds: async () => ({ firstId: events[0]?.id, last: events.at(-1), added: sequence + 1 }),
    tail: async () => events.at(-1),
    read: async (fromId, count) => events.slice(indexOf(fromId), indexOf(fromId) + count),
    async wait(afterId, ms) {
      if (events.at(-1)?.id === afterId) await nextEvent(ms)
    },
    async *scan() {
      yield all()
    },
  }
  return {
    log,
    append(entry: Entry) {
      sequence += 1
      events.push({ id: `${startMs}-${sequence}`, entry })
      if (events.length >= feedLength * 1.5) events = events.slice(-feedLength)
      for (const end of waiting) end()
    },
  }
}

const sequenceOf = (id: string) => Number(id.slice(id.indexOf('-') + 1))
