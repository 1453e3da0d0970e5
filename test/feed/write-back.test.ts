import { expect } from 'chai'
import { entriesOf, everyEntryOf, storePortion } from '../../src/feed/write-back.js'
import type { Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { createDeferred, type Deferred } from '../../src/runtime/deferred.js'
import { claimKey } from '../../src/token/keys.js'
import { until } from '../support/processes.js'

/** Hashes, as real keys are: a live set is slow with keys that are alike. */
const entries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, index) => ({
    key: claimKey('s', '', String(index))!,
    untilMs: null,
  }))
const keysOf = (all: readonly Entry[]) =>
  all
    .map(({ key }) => key)
    .sort()
    .join()

/** A store whose answers the test gives, in any order. */
function createHeldStore() {
  const underWay: { batch: readonly Entry[]; answer: Deferred<void> }[] = []
  return {
    underWay,
    store(batch: readonly Entry[]) {
      const answer = createDeferred<void>()
      underWay.push({ batch, answer })
      return answer.promise
    },
  }
}

describe('writing entries back', () => {
  const { signal } = new AbortController()

  it('has at most 4 batches of 500 under way, and stores every entry once, in whatever order the answers come', async () => {
    const { underWay, store } = createHeldStore()
    const all = entries(4_321)
    const stored: Entry[] = []
    let isDone = false
    const done = storePortion(all, store, signal).then(() => (isDone = true))
    while (!isDone) {
      await until('a batch is under way', () => isDone || underWay.length > 0)
      const rest = all.length - stored.length
      await until(
        'all that may be are',
        () => isDone || underWay.length === Math.min(4, Math.ceil(rest / 500)),
      )
      const newest = underWay.pop()
      if (newest === undefined) continue
      expect(newest.batch.length).to.be.at.most(500)
      stored.push(...newest.batch)
      newest.answer.resolve()
    }
    await done
    expect(keysOf(stored) === keysOf(all)).to.equal(true)
  })

  it('a failure: begins no further batch, waits for those under way, and rejects', async () => {
    const { underWay, store } = createHeldStore()
    let isOver = false
    const failed = storePortion(entries(5_000), store, signal).then(
      () => 'stored',
      ({ message }: Error) => {
        isOver = true
        return message
      },
    )
    await until('four are under way', () => underWay.length === 4)
    underWay[1]?.answer.reject(new Error('no answer within 1000 ms'))
    underWay[0]?.answer.resolve()
    underWay[3]?.answer.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect([isOver, underWay.length]).to.deep.equal([false, 4])
    underWay[2]?.answer.resolve()
    expect(await failed).to.equal('no answer within 1000 ms')
  })

  it('an abort: begins no further batch, and rejects with its reason', async () => {
    const { underWay, store } = createHeldStore()
    const aborting = new AbortController()
    const failed = storePortion(entries(5_000), store, aborting.signal).catch(
      ({ message }: Error) => message,
    )
    await until('four are under way', () => underWay.length === 4)
    aborting.abort(new Error('closed'))
    for (const { answer } of underWay) answer.resolve()
    expect(await failed).to.equal('closed')
    expect(underWay).to.have.length(4)
  })

  it('a portion stays the same until it is stored; portions have every entry', () => {
    const liveSet = createLiveSet(Date.now)
    const all = entries(45_000)
    for (const entry of all) liveSet.add(entry)
    for (const source of [entriesOf(all), everyEntryOf(liveSet)]) {
      expect(source.size).to.equal(all.length)
      const stored: Entry[] = []
      for (let portion = source.next(); portion.length > 0; portion = source.next()) {
        const again = source.next()
        expect([again.length, again[0], again.at(-1)]).to.deep.equal([
          portion.length,
          portion[0],
          portion.at(-1),
        ])
        stored.push(...portion)
        source.stored()
      }
      expect(keysOf(stored) === keysOf(all)).to.equal(true)
    }
  })
})
