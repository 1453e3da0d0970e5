import type { Logger } from 'pino'
import type { Clock } from '../runtime/clock.js'
import { errorText } from '../runtime/error-text.js'
import {
  noOutage,
  onCounted,
  onFact,
  onFailure,
  onSuccess,
  onSummary,
  onTick,
  type Instant,
  type OutageReport,
  type OutageState,
  type OutageTransition,
} from '../runtime/outage.js'
import { isoTime } from './log.js'

/** What may be out, as each line of its outages says it. */
export type OutageDescription = Readonly<{
  outage: OutageName
  /** Where it is reached, without secrets. */
  address?: string | undefined
  /** What callers are answered while it is out. */
  meanwhile: string
  /** Numbers that the end of an outage says, 0 unless they were noted. */
  facts?: readonly string[]
}>

export type OutageName = 'store' | 'feed' | 'sessions' | 'audit' | 'keys' | 'service'

export type Failure = Readonly<{
  problem: string
  cause: unknown
  /** What failed, to be counted. */
  what?: string
  /** Further members of the first line. */
  first?: object
}>

/** One thing that may be out. Its outage has three kinds of lines: begin, each minute, end. */
export type Outage = Readonly<{
  /** Begins an outage, or counts what failed in one. */
  failed(failure: Failure): void
  /** Counts what failed because of an outage that goes on; without one it does nothing. */
  counted(what: string): void
  /** Adds a number to what the end of an outage says. */
  noted(fact: string, number: number): void
  /** It works. When it has for 5 s, the outage is over. */
  works(): void
  isOngoing(): boolean
}>

export type Outages = Readonly<{
  /**
   * @param check called each second of an outage whose end nothing else shows; it rejects while
   *   the thing is out
   */
  open(description: OutageDescription, check?: () => Promise<unknown>): Outage
  /** Calls back each second, before the outages are looked at. */
  onTick(listener: () => void): void
  /** What may be out, each with whether an outage of it has begun and is not over, as the log says. */
  ongoing(): ReadonlyMap<OutageName, boolean>
  /** Logs what is known of outages that go on, and nothing more: what fails later fails by the stop. */
  close(): void
}>

const tickMs = 1_000

type Log = Pick<Logger, 'error' | 'warn'>
type Context = Readonly<{ report: Report; instant: () => Instant }>
type Report = (of: OutageDescription, report: OutageReport, more?: object) => void
type Opened = Readonly<{ name: OutageName; outage: Outage; tick(): void; summarise(): void }>

/** The outages of one process. */
export function createOutages(log: Log, clock: Clock): Outages {
  const instant = () => ({ nowMs: clock.now(), monotonicMs: clock.monotonicMs() })
  const opened: Opened[] = []
  const listeners: (() => void)[] = []
  let isClosed = false
  const report: Report = (...of) => {
    if (!isClosed) logReport(log, ...of)
  }
  const timer = setInterval(() => {
    for (const listener of listeners) listener()
    for (const { tick } of opened) tick()
  }, tickMs)
  timer.unref()
  return {
    open(description, check) {
      const one = openOutage({ report, instant }, description, check)
      opened.push(one)
      return one.outage
    },
    onTick: (listener) => void listeners.push(listener),
    ongoing() {
      const byName = new Map<OutageName, boolean>()
      for (const { name, outage } of opened)
        byName.set(name, byName.get(name) === true || outage.isOngoing())
      return byName
    },
    close() {
      clearInterval(timer)
      for (const { summarise } of opened) summarise()
      isClosed = true
    },
  }
}

function openOutage(
  { report, instant }: Context,
  description: OutageDescription,
  check: (() => Promise<unknown>) | undefined,
): Opened {
  let state: OutageState = noOutage
  let isChecking = false
  const enter = (next: OutageTransition, more?: object) => {
    state = next.state
    if (next.report !== undefined) report(description, next.report, more)
  }
  const works = () => {
    if (state.mode === 'ongoing') enter(onSuccess(state, instant()))
  }
  const checkAgain = () => {
    if (check === undefined || isChecking || state.mode !== 'ongoing') return
    isChecking = true
    const done = () => void (isChecking = false)
    void check().then(works, done).finally(done)
  }
  return {
    name: description.outage,
    outage: {
      failed: ({ problem, cause, what, first }) =>
        enter(onFailure(state, instant(), { problem, cause: errorText(cause) }, what), first),
      counted: (what) => enter(onCounted(state, what)),
      noted: (fact, number) => enter(onFact(state, fact, number)),
      works,
      isOngoing: () => state.mode !== 'none',
    },
    tick() {
      enter(onTick(state, instant()))
      checkAgain()
    },
    summarise: () => enter(onSummary(state, instant())),
  }
}

/** Each line has the words of the first one, so that a search for them finds the whole outage. */
function logReport(
  log: Log,
  { outage, address, meanwhile, facts: names = [] }: OutageDescription,
  report: OutageReport,
  more?: object,
): void {
  const { problem, cause } = report
  const named = { outage, ...(address !== undefined && { address }), cause }
  if (report.kind === 'begins') return log.error({ ...named, meanwhile, ...more }, problem)
  const { began, lastedMs, failed } = report
  const facts = { ...Object.fromEntries(names.map((name) => [name, 0])), ...report.facts }
  const lasted = { since: isoTime(began.nowMs), seconds: Math.round(lastedMs / 1000) }
  if (report.kind === 'goes_on')
    log.error({ ...named, ...lasted, failed, ...facts, meanwhile }, `still: ${problem}`)
  else {
    const until = isoTime(report.ended.nowMs)
    log.warn({ ...named, ...lasted, until, failed, ...facts }, `over: ${problem}`)
  }
}
