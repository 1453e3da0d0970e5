import { expect } from 'chai'
import {
  noOutage,
  onCounted,
  onFact,
  onFailure,
  onSuccess,
  onSummary,
  onTick,
  type OutageReport,
  type OutageTransition,
} from '../../src/runtime/outage.js'

const trouble = { problem: 'cannot reach Redis', cause: 'ECONNREFUSED' }

/** One outage whose clock the test moves, in seconds; `wallS` is the wall clock alone. */
function outageAt() {
  let state = noOutage
  const time = { s: 0, wallS: 0 }
  const reports: [atS: number, report: OutageReport][] = []
  const instant = () => ({ nowMs: (time.s + time.wallS) * 1000, monotonicMs: time.s * 1000 })
  const enter = (next: OutageTransition) => {
    state = next.state
    if (next.report !== undefined) reports.push([time.s, next.report])
  }
  return {
    time,
    reports,
    kinds: () => reports.map(([atS, { kind }]) => `${atS} ${kind}`),
    fail: (what?: string, cause = trouble.cause) =>
      enter(onFailure(state, instant(), { ...trouble, cause }, what)),
    count: (what: string) => enter(onCounted(state, what)),
    note: (fact: string, by: number) => enter(onFact(state, fact, by)),
    work: () => enter(onSuccess(state, instant())),
    summarise: () => enter(onSummary(state, instant())),
    /** Lets seconds pass, one by one. */
    pass(seconds: number) {
      for (let passed = 0; passed < seconds; passed += 1) {
        time.s += 1
        enter(onTick(state, instant()))
      }
    },
  }
}

describe('an outage', () => {
  it('one line when it begins, one a minute with counts, one when it ends, however much fails', () => {
    const one = outageAt()
    one.pass(10)
    for (let second = 0; second < 150; second += 1) {
      for (let guard = 0; guard < 100; guard += 1) one.fail('getPosition')
      one.count('logout')
      one.pass(1)
    }
    one.work()
    one.pass(60)
    expect(one.kinds()).to.deep.equal(['10 begins', '70 goes_on', '130 goes_on', '165 is_over'])
    const [begins, , second, end] = one.reports.map(([, report]) => report)
    expect(begins).to.deep.equal({ kind: 'begins', ...trouble })
    expect(second).to.include({ lastedMs: 120_000 })
    expect(second).to.have.property('failed').that.deep.equals({ getPosition: 12_000, logout: 120 })
    expect(end).to.include({ lastedMs: 150_000 })
    expect(end).to.have.property('failed').that.deep.equals({ getPosition: 15_000, logout: 150 })
    expect(end).to.have.nested.property('began.nowMs', 10_000)
    expect(end).to.have.nested.property('ended.nowMs', 160_000)
  })

  it('one that comes and goes is one, and ends when it first worked for 5 s', () => {
    const one = outageAt()
    for (let time = 0; time < 10; time += 1) {
      one.fail('connect')
      one.work()
      one.pass(4)
    }
    one.pass(5)
    expect(one.kinds()).to.deep.equal(['0 begins', '41 is_over'])
    expect(one.reports.at(-1)?.[1]).to.include({ lastedMs: 36_000 })
    one.fail('connect')
    expect(one.kinds().at(-1), 'the next one').to.equal('45 begins')
  })

  it('tells the newest cause, and the problem with which it began', () => {
    const one = outageAt()
    one.fail('connect')
    one.fail('connect', 'WRONGPASS')
    one.pass(60)
    expect(one.reports.at(-1)?.[1]).to.include({ problem: trouble.problem, cause: 'WRONGPASS' })
  })

  it('what was written back is told at the end; without an outage nothing is counted', () => {
    const one = outageAt()
    one.count('getPosition')
    one.note('writtenBack', 3)
    one.work()
    one.summarise()
    one.pass(100)
    expect(one.kinds()).to.deep.equal([])
    one.fail()
    one.note('writtenBack', 3)
    one.note('writtenBack', 4)
    one.work()
    one.pass(5)
    expect(one.reports.at(-1)?.[1]).to.deep.include({ failed: {}, facts: { writtenBack: 7 } })
  })

  it('a wall clock that is set changes no duration', () => {
    const one = outageAt()
    one.fail()
    one.time.wallS = -3_600
    one.pass(20)
    one.work()
    one.pass(5)
    expect(one.reports.at(-1)?.[1]).to.include({ kind: 'is_over', lastedMs: 20_000 })
  })

  it('a summary, for a process that ends, is given at any time', () => {
    const one = outageAt()
    one.fail('logout')
    one.pass(7)
    one.summarise()
    expect(one.kinds()).to.deep.equal(['0 begins', '7 goes_on'])
    expect(one.reports.at(-1)?.[1]).to.deep.include({ lastedMs: 7_000, failed: { logout: 1 } })
    one.work()
    one.pass(1)
    one.summarise()
    expect(one.kinds().at(-1), 'what works again does not go on').to.equal('8 is_over')
  })
})
