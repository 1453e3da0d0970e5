import { compareFeed, type Place } from './continuity.js'
import { isChain, positionOf, type Position } from './event.js'
import type { FeedServer, Inspection, Page, Snapshot } from './feed-source.js'
import type { EntrySource } from './write-back.js'

/**
 * No position: the follower has to take a snapshot. `settles`: the other instances may still write
 * back what the store lost, and get time to do so.
 */
export type Bootstrapping = Readonly<{
  mode: 'bootstrapping'
  place: Place | undefined
  settles?: true
}>
/** The live set is complete up to `position`, and the feed was seen to have it. */
export type Following = Readonly<{
  mode: 'following'
  position: Position
  server: FeedServer | undefined
}>
/** The live set is complete up to `position`. The next page shows whether the feed still has it. */
export type Resuming = Readonly<{
  mode: 'resuming'
  position: Position
  server: FeedServer | undefined
}>
/** The feed does not have `position` any more. */
export type Gap = Readonly<{ mode: 'gap'; position: Position; server: FeedServer | undefined }>
/**
 * Revocations that the store lacks are written back. Then the follower continues at `resumesAt`, or
 * without it takes a snapshot.
 */
export type Restoring = Readonly<{
  mode: 'restoring'
  entries: EntrySource
  place: Place
  resumesAt: Position | undefined
}>
/** The missing writes are written back; the other instances get time to do the same. */
export type Settling = Readonly<{ mode: 'settling'; place: Place; resumesAt: Position }>

/**
 * The state of a follower. The functions below decide what follows from an input, without I/O;
 * `follower-steps.ts` takes these decisions, and `follower-actions.ts` does the I/O.
 */
export type State = Bootstrapping | Following | Resuming | Gap | Restoring | Settling

/** What is worth counting and logging. */
export type Notice =
  | 'gap'
  | 'trimmed'
  | 'history_lost'
  | 'writes_missing'
  | 'written_back'
  | 'other_server'
  | 'clock_set_back'

export type Transition = Readonly<{ state: State; notice?: Notice | undefined }>

export const initialState: Bootstrapping = { mode: 'bootstrapping', place: undefined }

const serverOf = ({ identity, added }: Place): FeedServer => ({ identity, added })

const settlingAt = (place: Place): Bootstrapping => ({
  mode: 'bootstrapping',
  place,
  settles: true,
})

const placeAt = ({ position, server }: Following | Resuming | Gap): Place | undefined =>
  server && { ...server, position }

/** The place that an inspection compares the feed with. */
export const placeOf = (state: Bootstrapping | Gap | Restoring): Place | undefined =>
  state.mode === 'gap' ? placeAt(state) : state.place

/**
 * The source has inspected the feed. `found` is `undefined` for a source that cannot inspect.
 *
 * @param everything every entry of the live set, to be written back after a loss
 */
export function onInspection(
  state: Bootstrapping | Gap | Restoring,
  found: Inspection | undefined,
  everything: EntrySource,
): Transition {
  const place = placeOf(state)
  const continuity = place && found && compareFeed(place, found)
  if (found !== undefined && continuity === 'lost')
    return {
      state: {
        mode: 'restoring',
        entries: everything,
        place: { identity: found.identity, position: undefined, added: undefined },
        resumesAt: undefined,
      },
      notice: 'history_lost',
    }
  if (state.mode !== 'gap') return { state }
  // The server that lacked the position has been replaced by one that has it.
  if (found?.hasPosition === true)
    return {
      state: {
        mode: 'resuming',
        position: state.position,
        server: state.server && { ...state.server, identity: found.identity },
      },
    }
  return {
    state: { mode: 'bootstrapping', place },
    notice: found === undefined ? undefined : 'trimmed',
  }
}

/**
 * A snapshot has been added to the live set. What other instances wrote back meanwhile is in the
 * next pages.
 */
export const onSnapshot = (
  { settles }: Bootstrapping,
  { position, server }: Snapshot,
): Transition => ({
  state: { mode: settles === true ? 'resuming' : 'following', position, server },
})

/** The source has given a page. Every event after the first one is new, unless there is a gap. */
export function onPage(state: Following | Resuming, page: Page): Transition {
  const { events, identity } = page
  const [first] = events
  const last = events.at(-1)
  if (first === undefined || last === undefined || positionOf(first) !== state.position)
    return onGap(state)
  if (!isChain(events)) return onGap(state)
  const { server, position } = state
  const added = server?.added
  const moved: Following = {
    mode: 'following',
    position: events.length === 1 ? position : positionOf(last),
    server: server && {
      identity: identity ?? server.identity,
      added: added === undefined ? undefined : added + events.length - 1,
    },
  }
  if (server === undefined || identity === undefined) return { state: moved }
  const continuity = compareFeed(
    { ...server, position },
    { identity, hasPosition: true, firstId: undefined, added: undefined },
  )
  return {
    state: moved,
    notice: continuity === 'other_server' ? 'other_server' : undefined,
  }
}

/** The feed, read to its end, lacks what this instance stored before. */
export function onMissingWrites(state: Following, entries: EntrySource): Transition {
  const place = placeAt(state)
  return place === undefined
    ? { state }
    : {
        state: { mode: 'restoring', entries, place, resumesAt: state.position },
        notice: 'writes_missing',
      }
}

/** The feed does not have the position. */
export const onGap = ({ position, server }: Following | Resuming): Transition => ({
  state: { mode: 'gap', position, server },
  notice: 'gap',
})

/** The feed has something that this version cannot read. */
export const onUnreadable = (state: State): Transition => ({
  state: state.mode === 'following' ? { ...state, mode: 'resuming' } : state,
})

/** The wall clock was set back: entries may have been removed too early. */
export function onClockSetBack(state: State): Transition {
  const notice = 'clock_set_back'
  switch (state.mode) {
    case 'bootstrapping':
      return { state, notice }
    case 'following':
    case 'resuming':
    case 'gap':
      return { state: { mode: 'bootstrapping', place: placeAt(state) }, notice }
    case 'restoring':
      return { state: { ...state, resumesAt: undefined }, notice }
    case 'settling':
      return { state: settlingAt(state.place), notice }
  }
}

/** Everything is written back. */
export const onWrittenBack = ({ place, resumesAt }: Restoring): Transition => ({
  state: resumesAt === undefined ? settlingAt(place) : { mode: 'settling', place, resumesAt },
  notice: 'written_back',
})

/** The other instances have had time to write back, too. */
export const onSettled = ({ place, resumesAt }: Settling): Transition => ({
  state: { mode: 'resuming', position: resumesAt, server: serverOf(place) },
})
