import { expect } from 'chai'
import { createFollower } from '../../src/feed/follower.js'
import type { FollowerParts } from '../../src/feed/follower-parts.js'
import { createUnconfirmedWrites } from '../../src/feed/unconfirmed-writes.js'
import type { Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { createDeferred } from '../../src/runtime/deferred.js'
import { createTestSource, entryNumber } from '../support/feed-source.js'
import { until } from '../support/processes.js'

type Options = { delivery?: 'read' | 'pushed'; isInspected?: boolean; writes?: boolean }

describe('the follower', () => {
  const closers: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })
  const open = ({ delivery = 'read', isInspected = true, writes = true }: Options = {}) => {
    const feed = createTestSource(delivery, isInspected)
    const ms = { now: 0, monotonic: 0 }
    const clock = { now: () => ms.now, monotonicMs: () => ms.monotonic }
    const liveSet = createLiveSet(clock.now)
    const reported: string[] = []
    const report = (what: string) => () => void reported.push(what)
    const restored: (readonly Entry[])[] = []
    const parts: FollowerParts = {
      source: feed.source,
      liveSet,
      clock,
      maxStalenessMs: 5_000,
      retryMs: { first: 1, most: 1 },
      ownWrites: writes
        ? {
            unconfirmed: createUnconfirmedWrites({ most: 10, now: clock.now }),
            restore: async (entries) => void restored.push(entries),
          }
        : undefined,
      observer: {
        onEvents: (events) => reported.push(`events ${events.map(({ id }) => id).join(' ')}`),
        onSnapshot: report('snapshot'),
        onSnapshotPart: () => undefined,
        onGap: report('gap'),
        onNotice: (notice) => reported.push(notice),
        onTrouble: (error, kind) => reported.push(`${kind}: ${(error as Error).message}`),
        onProven: () => undefined,
        onPositionSeen: () => undefined,
        onFreshness: (isFresh) => reported.push(isFresh ? 'fresh' : 'stale'),
      },
    }
    const follower = createFollower(parts)
    closers.push(follower.close)
    const follows = (from: string, times = 1) =>
      until(
        `it follows from ${from}`,
        () => feed.calls.filter((call) => call === `follow ${from}`).length === times,
      )
    return { ...feed, follower, liveSet, clock: ms, reported, restored, follows }
  }
  const held = (numbers: readonly number[], { liveSet }: ReturnType<typeof open>) =>
    numbers.map((number) => liveSet.find(entryNumber(number).key) !== undefined)
  const positionAt = (number: number) => `1000-${number}.${entryNumber(number).key}`
  const genesis = '1000-0.genesis'

  it('does nothing before it is started', () => {
    const one = open()
    expect([one.calls, one.follower.position()]).to.deep.equal([[], undefined])
    expect(one.follower.stalenessMs()).to.equal(Infinity)
  })

  it('takes a snapshot, follows from it, and applies new events in order', async () => {
    const one = open()
    one.state.entries = [entryNumber(7)]
    one.follower.start()
    await one.follows(genesis)
    expect(one.page([0, 1, 2])).to.equal(true)
    expect(held([7, 1, 2, 3], one)).to.deep.equal([true, true, true, false])
    expect(one.follower.position()).to.equal(positionAt(2))
    expect(one.reported).to.deep.equal(['fresh', 'snapshot', 'events 1000-1 1000-2'])
    expect(one.calls).to.deep.equal(['inspect', 'snapshot', `follow ${genesis}`])
  })

  it('a gap: applies nothing of the page, inspects, and takes another snapshot', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.page([0, 1])
    expect(one.page([5, 6])).to.equal(false)
    expect(held([6], one)).to.deep.equal([false])
    expect(one.follower.isFollowing()).to.equal(false)
    one.state.position = positionAt(6)
    await one.follows(positionAt(6))
    expect(one.reported.slice(3)).to.deep.equal(['gap', 'gap', 'trimmed', 'snapshot'])
    expect(one.follower.counts()).to.include({ gaps: 1, snapshots: 2, historyLost: 0 })
  })

  it('a gap that the source reports: takes another snapshot, without an inspection', async () => {
    const one = open({ delivery: 'pushed', isInspected: false, writes: false })
    one.follower.start()
    await one.follows(genesis)
    one.gap()
    await one.follows(genesis, 2)
    expect(one.calls.filter((call) => call === 'snapshot')).to.have.length(2)
    expect(one.follower.counts()).to.include({ gaps: 1, snapshots: 2 })
  })

  it('a freshness check that began before the gap ends with it: the snapshot has one of its own', async () => {
    const one = open({ delivery: 'pushed', isInspected: false, writes: false })
    one.state.tail = async () => positionAt(9)
    one.follower.start()
    await one.follows(genesis)
    await until('it asks', () => one.calls.includes('tail'))
    const held = createDeferred<void>()
    one.state.held = held.promise
    one.gap()
    one.state.tail = async () => genesis
    held.resolve()
    await one.follows(genesis, 2)
    one.page([0])
    await until('it is fresh', () => one.follower.isFresh())
    expect(one.calls.filter((call) => call === 'snapshot')).to.have.length(2)
    expect(one.reported).to.not.include('passing: the feed lags behind its position')
  })

  it('a gap, and the inspection finds the position: follows on from it', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.state.inspection = { hasPosition: true }
    one.page([])
    await one.follows(genesis, 2)
    expect(one.follower.counts()).to.include({ gaps: 1, snapshots: 1 })
  })

  it('a loss: writes everything back, waits for the other instances to do so, and takes a new snapshot', async () => {
    const one = open()
    one.state.entries = [entryNumber(7), entryNumber(8)]
    one.follower.start()
    await one.follows(genesis)
    one.state.inspection = { firstId: '1000-0' }
    one.page([])
    await until('it is written back', () => one.restored.length === 1)
    one.state.inspection = {}
    const keys = one.restored.flat().map(({ key }) => key)
    expect(keys.sort()).to.deep.equal([entryNumber(7).key, entryNumber(8).key])
    await one.follows(genesis, 2)
    expect(one.follower.counts()).to.include({ historyLost: 1, restored: 2, snapshots: 2 })
  })

  it('a write that the feed lacks at its end: written back before the feed is followed on', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.follower.stored(entryNumber(9))
    expect(one.page([0, 1], { isWhole: false }), 'not the end of the feed').to.equal(true)
    expect(one.reader()?.mayWait()).to.equal(false)
    expect(one.page([1, 2])).to.equal(false)
    expect(one.follower.isFollowing()).to.equal(false)
    await until('it is written back', () => one.restored.length === 1)
    expect(one.restored).to.deep.equal([[entryNumber(9)]])
    await one.follows(positionAt(2))
    expect(one.reported).not.to.include('events 1000-2')
    expect(one.follower.counts()).to.include({ historyLost: 1, restored: 1, snapshots: 1 })
  })

  it('a write whose event arrives: confirmed, and not written back', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.follower.stored(entryNumber(1))
    expect([one.page([0, 1]), one.page([1])]).to.deep.equal([true, true])
    expect(one.reader()?.mayWait()).to.equal(true)
  })

  it('an error: follows on from the same position', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.page([0, 1])
    one.fail(new Error('the connection is lost'))
    await one.follows(positionAt(1))
    expect(one.reported.at(-1)).to.equal('passing: the connection is lost')
    expect([one.follower.isFollowing(), one.follower.isFresh()]).to.deep.equal([true, true])
  })

  it('an unreadable feed: stale at once, until an event has been read', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    one.state.kind = 'unreadable'
    one.fail(new Error('an unknown kind'))
    await one.follows(genesis, 2)
    expect(one.follower.isFresh()).to.equal(false)
    expect(one.reported.slice(2)).to.deep.equal(['gap', 'stale', 'unreadable: an unknown kind'])
    one.page([0])
    expect([one.follower.isFresh(), one.follower.isFollowing()]).to.deep.equal([true, true])
  })

  it('a clock that was set back: drops the page, and takes another snapshot', async () => {
    const one = open()
    one.clock.now = 86_400_000
    one.follower.start()
    await one.follows(genesis)
    one.clock.now = 0
    expect(one.page([0, 1])).to.equal(false)
    expect(one.follower.isFresh()).to.equal(false)
    await one.follows(genesis, 2)
    expect(one.reported.slice(2)).to.deep.equal([
      'gap',
      'clock_set_back',
      'stale',
      'fresh',
      'snapshot',
    ])
  })

  describe('when pages are read', () => {
    it('is fresh as of the moment before the read, and a page that is not whole proves nothing', async () => {
      const one = open()
      one.clock.now = one.clock.monotonic = 100
      one.follower.start()
      await one.follows(genesis)
      expect(one.follower.provenAt()?.nowMs, 'before the snapshot').to.equal(100)
      one.clock.now = one.clock.monotonic = 400
      one.reader()?.beforeRead()
      one.clock.now = one.clock.monotonic = 900
      one.page([0, 1], { isWhole: false })
      expect(one.follower.provenAt()?.nowMs, 'more may follow').to.equal(100)
      one.page([1, 2])
      expect(one.follower.provenAt()?.nowMs).to.equal(400)
    })
  })

  describe('when pages are pushed', () => {
    const openPushed = () => open({ delivery: 'pushed', isInspected: false, writes: false })

    it('is fresh as of the moment of asking, once exactly that event is applied', async () => {
      const one = openPushed()
      let answer: (position: string) => void = () => undefined
      one.state.tail = () => new Promise((resolve) => (answer = resolve))
      one.clock.now = one.clock.monotonic = 100
      one.follower.start()
      await one.follows(genesis)
      expect(one.follower.isFresh(), 'a snapshot proves nothing').to.equal(false)
      one.clock.now = one.clock.monotonic = 400
      answer(positionAt(2))
      one.page([0, 1])
      await new Promise((resolve) => setImmediate(resolve))
      expect(one.follower.isFresh(), 'one event is missing').to.equal(false)
      one.page([1, 2])
      await until('it is fresh', () => one.follower.isFresh())
      expect(one.follower.stalenessMs()).to.equal(300)
    })

    it('is not fresh when the clock is set back before the answer comes', async () => {
      const one = openPushed()
      let answer: (position: string) => void = () => undefined
      one.state.tail = () => new Promise((resolve) => (answer = resolve))
      one.clock.now = 86_400_000
      one.follower.start()
      await one.follows(genesis)
      const first = answer
      one.clock.now = 0
      one.page([0])
      first(genesis)
      await one.follows(genesis, 2)
      expect(one.follower.isFresh()).to.equal(false)
      answer(genesis)
      await until('it is fresh', () => one.follower.isFresh())
    })

    it('reports an unreadable answer, and asks again once an event has been read', async () => {
      const one = openPushed()
      one.state.tail = async () => {
        throw new Error('426')
      }
      one.state.kind = 'unreadable'
      one.follower.start()
      await until('it is reported', () => one.reported.includes('unreadable: 426'))
      one.state.tail = async () => genesis
      await until('it follows on', () => one.reader()?.signal.aborted === false)
      expect([one.follower.isFollowing(), one.follower.position()]).to.deep.equal([false, genesis])
      one.page([0])
      await until('it is fresh', () => one.follower.isFresh())
    })
  })

  it('closes at once, also while it waits', async () => {
    const one = open()
    one.follower.start()
    await one.follows(genesis)
    await one.follower.close()
    expect(one.follower.isFresh()).to.equal(false)
  })
})
