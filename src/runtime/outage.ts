/** A moment on both clocks, in milliseconds: durations are those of the monotonic one. */
export type Instant = Readonly<{ nowMs: number; monotonicMs: number }>

/** What does not work, and why. */
export type Trouble = Readonly<{ problem: string; cause: string }>

type Ongoing = Trouble &
  Readonly<{
    began: Instant
    reported: Instant
    /** What failed, each with how often. */
    failed: Readonly<Record<string, number>>
    /** What else is to be told at the end, each with its number. */
    facts: Readonly<Record<string, number>>
  }>

/**
 * The state of one thing that may be out. It counts as back when it has worked for a while: a thing
 * that comes and goes has one outage.
 */
export type OutageState =
  | Readonly<{ mode: 'none' }>
  | (Ongoing & Readonly<{ mode: 'ongoing' }>)
  | (Ongoing & Readonly<{ mode: 'recovering'; worksSince: Instant }>)

/** What to log of an outage: its beginning, a line a minute, and its end. */
export type OutageReport =
  | (Trouble & Readonly<{ kind: 'begins' }>)
  | (Ongoing & Readonly<{ kind: 'goes_on'; lastedMs: number }>)
  | (Ongoing & Readonly<{ kind: 'is_over'; lastedMs: number; ended: Instant }>)

export type OutageTransition = Readonly<{ state: OutageState; report?: OutageReport }>

const reportEveryMs = 60_000
const settlesWithinMs = 5_000

export const noOutage: OutageState = { mode: 'none' }

const plus = (counts: Readonly<Record<string, number>>, name: string | undefined, by: number) =>
  name === undefined ? counts : { ...counts, [name]: (counts[name] ?? 0) + by }

/** @param what what failed, to be counted */
export function onFailure(
  state: OutageState,
  at: Instant,
  { problem, cause }: Trouble,
  what: string | undefined,
): OutageTransition {
  if (state.mode !== 'none') {
    const { began, reported, facts } = state
    const failed = plus(state.failed, what, 1)
    return {
      state: { mode: 'ongoing', problem: state.problem, cause, began, reported, failed, facts },
    }
  }
  const failed = plus({}, what, 1)
  return {
    state: { mode: 'ongoing', problem, cause, began: at, reported: at, failed, facts: {} },
    report: { kind: 'begins', problem, cause },
  }
}

/** Counts what failed because of an outage that is known already. */
export const onCounted = (state: OutageState, what: string): OutageTransition => ({
  state: state.mode === 'none' ? state : { ...state, failed: plus(state.failed, what, 1) },
})

export const onFact = (state: OutageState, name: string, by: number): OutageTransition => ({
  state: state.mode === 'none' ? state : { ...state, facts: plus(state.facts, name, by) },
})

export const onSuccess = (state: OutageState, at: Instant): OutageTransition => ({
  state: state.mode === 'ongoing' ? { ...state, mode: 'recovering', worksSince: at } : state,
})

/** Time has passed. */
export function onTick(state: OutageState, at: Instant): OutageTransition {
  if (state.mode === 'none') return { state }
  if (state.mode === 'recovering') {
    const { worksSince } = state
    return at.monotonicMs - worksSince.monotonicMs < settlesWithinMs
      ? { state }
      : onSummary(state, at)
  }
  return at.monotonicMs - state.reported.monotonicMs < reportEveryMs
    ? { state }
    : onSummary(state, at)
}

/** What is known of an outage is to be told now, also that everything works again. */
export function onSummary(state: OutageState, at: Instant): OutageTransition {
  if (state.mode === 'none') return { state }
  if (state.mode === 'recovering') {
    const { began, worksSince } = state
    const lastedMs = worksSince.monotonicMs - began.monotonicMs
    return { state: noOutage, report: { ...state, kind: 'is_over', lastedMs, ended: worksSince } }
  }
  const lastedMs = at.monotonicMs - state.began.monotonicMs
  return { state: { ...state, reported: at }, report: { ...state, kind: 'goes_on', lastedMs } }
}
