import { expect } from 'chai'
import { createRefusalSampler, createSampler } from '../../src/audit/sampler.js'

describe('the sampler of the log', () => {
  it('takes a number of events a second, and reports how many it dropped with the next one', () => {
    const sampler = createSampler(2)
    const taken = [0, 10, 20, 999].map((ms) => sampler.take(ms).isTaken)
    expect(taken).to.deep.equal([true, true, false, false])
    expect(sampler.take(1_000)).to.deep.equal({ isTaken: true, droppedBefore: 2 })
    expect(sampler.take(1_001)).to.deep.equal({ isTaken: true, droppedBefore: 0 })
    expect(sampler.take(1_002).isTaken).to.equal(false)
    expect(sampler.dropped()).to.equal(3)
  })

  it('starts a new second also when the clock is set back', () => {
    const sampler = createSampler(1)
    expect(sampler.take(5_000).isTaken).to.equal(true)
    expect(sampler.take(4_000).isTaken).to.equal(true)
  })
})

describe('the sampler of refusals', () => {
  const limits = { perMinute: 2, mostSubjects: 2 }

  it('takes a number of refusals of one subject a minute, whatever other subjects do', () => {
    const sampler = createRefusalSampler(limits)
    const taken = ['a', 'a', 'a', 'b', 'a'].map((subject) => sampler.take(subject, 0))
    expect(taken).to.deep.equal([true, true, false, true, false])
    expect(sampler.dropped()).to.equal(2)
    expect(sampler.take('a', 60_000)).to.equal(true)
  })

  it('distinguishes a number of subjects, and takes no refusal of further ones', () => {
    const sampler = createRefusalSampler(limits)
    const taken = ['a', 'b', 'c', 'a'].map((subject) => sampler.take(subject, 0))
    expect(taken).to.deep.equal([true, true, false, true])
  })
})
