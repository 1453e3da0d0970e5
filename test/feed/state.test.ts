import { expect } from 'chai'
import type { FeedIdentity } from '../../src/feed/continuity.js'
import type { FeedEvent } from '../../src/feed/event.js'
import type { FeedServer, Inspection, Page } from '../../src/feed/feed-source.js'
import {
  initialState,
  onClockSetBack,
  onGap,
  onInspection,
  onMissingWrites,
  onPage,
  onSettled,
  onSnapshot,
  onUnreadable,
  onWrittenBack,
  placeOf,
  type Bootstrapping,
  type Following,
  type Gap,
  type Restoring,
  type Resuming,
  type Settling,
  type State,
} from '../../src/feed/state.js'
import { entriesOf } from '../../src/feed/write-back.js'

const identity: FeedIdentity = { epoch: 'e', runId: 'run', replicationId: 'repl' }
const otherIdentity: FeedIdentity = { ...identity, runId: 'other' }
const server: FeedServer = { identity, added: 100 }
const event = (sequence: number): FeedEvent => ({
  id: `1000-${sequence}`,
  entry: { key: `t:${'A'.repeat(22)}`, untilMs: null },
})
const positionAt = (sequence: number) => `1000-${sequence}.t:${'A'.repeat(22)}`
const position = positionAt(5)
const place = { ...server, position }
const everything = entriesOf([])
const missing = entriesOf([])
const tail = event(9)
const found: Inspection = { identity, hasPosition: false, firstId: '2000-0', added: 200, tail }
const lostFeed: Inspection = { ...found, firstId: '1000-0' }

const bootstrapping: Bootstrapping = { mode: 'bootstrapping', place }
const following: Following = { mode: 'following', position, server }
const resuming: Resuming = { mode: 'resuming', position, server }
const gap: Gap = { mode: 'gap', position, server }
const restoring: Restoring = { mode: 'restoring', entries: missing, place, resumesAt: position }
const settling: Settling = { mode: 'settling', place, resumesAt: position }
const all: readonly State[] = [bootstrapping, following, resuming, gap, restoring, settling]
/** With a source that cannot say which server keeps the feed. */
const unknownServer = { mode: 'following', position, server: undefined } as const

const page = (sequences: readonly number[], more: Partial<Page> = {}): Page => ({
  events: sequences.map(event),
  isWhole: true,
  ...more,
})

describe('the state of a follower', () => {
  it('begins without a position', () => {
    expect(initialState).to.deep.equal({ mode: 'bootstrapping', place: undefined })
    expect(placeOf(initialState)).to.equal(undefined)
  })

  describe('a snapshot', () => {
    it('bootstrapping → following, at the position of the snapshot', () => {
      expect(onSnapshot(bootstrapping, { position: positionAt(9), server })).to.deep.equal({
        state: { mode: 'following', position: positionAt(9), server },
      })
    })
  })

  describe('a page', () => {
    for (const state of [following, resuming]) {
      it(`${state.mode} → following, at the last event, with the new events counted`, () => {
        expect(onPage(state, page([5, 6, 7]))).to.deep.equal({
          state: {
            mode: 'following',
            position: positionAt(7),
            server: { identity, added: 102 },
          },
        })
      })
      it(`${state.mode} → following, at the same event, when there is no new one`, () => {
        expect(onPage(state, page([5]))).to.deep.equal({ state: following })
      })
      for (const [what, events] of [
        ['is empty', []],
        ['begins with an older event', [4, 5]],
        ['begins with a newer event', [6]],
      ] as const) {
        it(`${state.mode} → gap, when the page ${what}: the page is dropped`, () => {
          expect(onPage(state, page(events))).to.deep.equal({ state: gap, notice: 'gap' })
        })
      }
      it(`${state.mode} → gap, when an event of the page names another event than the one before it`, () => {
        const named = (previous: number): Page => {
          const [first, second, third] = page([5, 6, 8]).events
          const events = [first!, second!, { ...third!, previous: positionAt(previous) }]
          return { events, isWhole: true }
        }
        expect(onPage(state, named(7))).to.deep.equal({ state: gap, notice: 'gap' })
        expect(onPage(state, named(6)).state).to.include({ position: positionAt(8) })
      })
      it(`${state.mode} → gap, when the page begins with the same id and another key`, () => {
        const events = [{ id: '1000-5', entry: undefined }]
        expect(onPage(state, { events, isWhole: true })).to.deep.equal({
          state: gap,
          notice: 'gap',
        })
      })
    }

    it('following keeps its server; a notice when another server has the position', () => {
      expect(onPage(following, page([5], { identity }))).to.deep.equal({
        state: following,
        notice: undefined,
      })
      expect(onPage(following, page([5], { identity: otherIdentity }))).to.deep.equal({
        state: { ...following, server: { identity: otherIdentity, added: 100 } },
        notice: 'other_server',
      })
    })

    it('following goes on without a known server, and without a count of events', () => {
      expect(onPage(unknownServer, page([5, 6]))).to.deep.equal({
        state: { ...unknownServer, position: positionAt(6) },
      })
      const uncounting = { ...following, server: { identity, added: undefined } }
      expect(onPage(uncounting, page([5, 6])).state).to.deep.equal({
        ...uncounting,
        position: positionAt(6),
      })
    })
  })

  describe('an inspection', () => {
    it('gap → resuming, when the feed has the position after all, also on another server', () => {
      const there = { ...found, hasPosition: true, identity: otherIdentity }
      expect(onInspection(gap, there, everything)).to.deep.equal({
        state: { ...resuming, server: { identity: otherIdentity, added: 100 } },
      })
    })
    it('gap → bootstrapping, when the feed was trimmed', () => {
      expect(onInspection(gap, found, everything)).to.deep.equal({
        state: { mode: 'bootstrapping', place },
        notice: 'trimmed',
      })
    })
    it('gap → bootstrapping, when the source cannot tell', () => {
      const ofNoServer: Gap = { mode: 'gap', position, server: undefined }
      expect(onInspection(ofNoServer, undefined, everything)).to.deep.equal({
        state: { mode: 'bootstrapping', place: undefined },
        notice: undefined,
      })
    })
    for (const state of [gap, bootstrapping, restoring]) {
      it(`${state.mode} → restoring everything, without a position, when revocations are lost`, () => {
        expect(onInspection(state, lostFeed, everything)).to.deep.equal({
          state: {
            mode: 'restoring',
            entries: everything,
            place: { identity, position: undefined, added: undefined },
            resumesAt: undefined,
          },
          notice: 'history_lost',
        })
      })
    }
    for (const state of [bootstrapping, restoring]) {
      it(`${state.mode} stays, when nothing is lost`, () => {
        for (const inspection of [found, { ...found, hasPosition: true }])
          expect(onInspection(state, inspection, everything)).to.deep.equal({ state })
      })
    }
    it('bootstrapping stays, when there is no place to compare with', () => {
      for (const inspection of [undefined, found, lostFeed])
        expect(onInspection(initialState, inspection, everything)).to.deep.equal({
          state: initialState,
        })
    })
  })

  describe('writes that the feed lacks', () => {
    it('following → restoring just these writes; the position stays', () => {
      expect(onMissingWrites(following, missing)).to.deep.equal({
        state: restoring,
        notice: 'writes_missing',
      })
    })
    it('following stays, where the source knows no servers', () => {
      expect(onMissingWrites(unknownServer, missing)).to.deep.equal({ state: unknownServer })
    })
  })

  it('restoring → settling → resuming, when the missing writes are written back', () => {
    expect(onWrittenBack(restoring)).to.deep.equal({ state: settling, notice: 'written_back' })
    expect(onSettled(settling)).to.deep.equal({ state: resuming })
  })

  it('restoring without a position → bootstrapping → resuming: the next page shows what others wrote back', () => {
    const state: Bootstrapping = { ...bootstrapping, settles: true }
    const everythingBack: Restoring = { ...restoring, resumesAt: undefined }
    expect(onWrittenBack(everythingBack)).to.deep.equal({ state, notice: 'written_back' })
    expect(onSnapshot(state, { position, server })).to.deep.equal({ state: resuming })
  })

  it('following, resuming → gap, when the source reports a gap', () => {
    for (const state of [following, resuming])
      expect(onGap(state)).to.deep.equal({ state: gap, notice: 'gap' })
  })

  it('an unreadable feed: following → resuming, and every other state stays', () => {
    expect(onUnreadable(following)).to.deep.equal({ state: resuming })
    for (const state of all.filter(({ mode }) => mode !== 'following'))
      expect(onUnreadable(state)).to.deep.equal({ state })
  })

  it('a clock that was set back: no state keeps a position, and every state keeps its place', () => {
    const after = (state: State) => onClockSetBack(state).state
    for (const state of [bootstrapping, following, resuming, gap])
      expect(after(state)).to.deep.equal({ mode: 'bootstrapping', place })
    expect(after(restoring)).to.deep.equal({ ...restoring, resumesAt: undefined })
    expect(after(settling)).to.deep.equal({ ...bootstrapping, settles: true })
    for (const state of all) expect(onClockSetBack(state).notice).to.equal('clock_set_back')
  })
})
