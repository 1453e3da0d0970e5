import type { FeedEvent } from '../../src/feed/event.js'
import type { FeedSource, Inspection, Page, PageReader } from '../../src/feed/feed-source.js'
import type { Entry } from '../../src/revocation/entry.js'

/** The `number`th entry of a test. */
export const entryNumber = (number: number): Entry => ({
  key: `t:${String(number).padStart(21, '0')}A`,
  untilMs: null,
})

export const eventNumber = (number: number): FeedEvent => ({
  id: `1000-${number}`,
  entry: number === 0 ? undefined : entryNumber(number),
})

/** A feed whose answers the test gives. `calls` has the calls of the follower, in order. */
export function createTestSource(delivery: FeedSource['delivery'], isInspected: boolean) {
  const calls: string[] = []
  let reader: PageReader | undefined
  let endFollowing: (error?: Error) => void = () => undefined
  const state = {
    entries: [] as Entry[],
    position: '1000-0.genesis',
    tail: async (): Promise<string> => state.position,
    inspection: {} as Partial<Inspection>,
    /** What a snapshot waits for. */
    held: undefined as Promise<void> | undefined,
    kind: 'passing' as 'passing' | 'permanent' | 'unreadable',
  }
  const identity = { epoch: 'e', runId: 'run', replicationId: 'repl' }
  const source: FeedSource = {
    delivery,
    tail: () => {
      calls.push('tail')
      return state.tail()
    },
    ...(isInspected && {
      async inspect() {
        calls.push('inspect')
        const found = { identity, hasPosition: false, firstId: '2000-0', added: 200 }
        return { ...found, tail: eventNumber(0), ...state.inspection }
      },
    }),
    async snapshot(target, signal) {
      calls.push('snapshot')
      if (state.held !== undefined) await state.held
      signal.throwIfAborted()
      for (const entry of state.entries) target.add(entry)
      const server = isInspected ? { identity, added: 100 } : undefined
      return { position: state.position, server }
    },
    follow(from, given) {
      calls.push(`follow ${from}`)
      return new Promise((resolve, reject) => {
        reader = given
        endFollowing = (error) => (error === undefined ? resolve() : reject(error))
        given.signal.addEventListener('abort', () => reject(given.signal.reason as Error))
      })
    },
    kindOf: () => state.kind,
  }
  return {
    source,
    state,
    calls,
    /** The reader that the follower gave to `follow` last. */
    reader: () => reader,
    /** Gives the follower a page of the events with these numbers. */
    page(numbers: readonly number[], more: Partial<Page> = {}) {
      const goesOn = reader?.onPage({ events: numbers.map(eventNumber), isWhole: true, ...more })
      if (goesOn === false) endFollowing()
      return goesOn
    },
    gap: () => endFollowing(),
    fail: (error: Error) => endFollowing(error),
  }
}
