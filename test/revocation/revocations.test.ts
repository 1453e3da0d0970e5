import { expect } from 'chai'
import { ServiceError } from '../../src/errors.js'
import { commitOf, type Commit, type CommitResult } from '../../src/revocation/commit.js'
import type { Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { createRevocations } from '../../src/revocation/revocations.js'

const nowMs = 1_000_000
const token: Entry = { key: 't:AAAAAAAAAAAAAAAAAAAAAA', untilMs: nowMs + 60_000 }
const session: Entry = { key: 's:AAAAAAAAAAAAAAAAAAAAAA', untilMs: nowMs + 90_000 }
const conditional = (parts: Partial<Commit> = {}, isKnownRevoked = false): Commit =>
  commitOf([session], {
    preconditions: {
      keys: [token.key, session.key],
      issuedAtS: 900,
      untilMs: token.untilMs,
      isKnownRevoked,
    },
    ...parts,
  })

/** The rules over a store that gives this answer, and records every commit. */
function start(
  answer: CommitResult | Error,
  { held = [], awaitsReplicas = false }: { held?: Entry[]; awaitsReplicas?: boolean } = {},
) {
  const written: Commit[] = []
  const liveSet = createLiveSet(() => nowMs)
  const revocations = createRevocations({
    store: {
      read: async (keys) => keys.map(() => undefined),
      lookup: async (key) => held.find((entry) => entry.key === key),
      async commit(commit) {
        written.push(commit)
        if (answer instanceof Error) throw answer
        return commit.preconditions === undefined ? { outcome: 'stored' } : answer
      },
    },
    liveSet,
    now: () => nowMs,
    maxClockSkewMs: 0,
    awaitsReplicas,
  })
  return { revocations, liveSet, written }
}
const unavailable = new ServiceError('store_unavailable', { reason: 'store' })
const rateLimit = { key: 'limit:u:A', requests: 1, windowMs: 1 }

describe('a commit', () => {
  it('stored: this instance knows the entries at once', async () => {
    for (const outcome of ['stored', 'stored_without_audit'] as const) {
      const { revocations, liveSet, written } = start({ outcome })
      expect(await revocations.commit(conditional())).to.deep.equal({ outcome })
      expect(liveSet.covers(session)).to.equal(true)
      expect(written).to.have.length(1)
    }
  })

  it('rate limited or not executed: the live set stays empty, and nothing else is written', async () => {
    for (const outcome of ['rate_limited', 'not_executed'] as const) {
      const { revocations, liveSet, written } = start({ outcome })
      expect(await revocations.commit(conditional())).to.deep.equal({ outcome })
      expect(liveSet.size()).to.equal(0)
      expect(written).to.have.length(1)
    }
  })

  it('already revoked by an entry that ends before the token: the token gets its own entry', async () => {
    const shorter = { ...session, untilMs: nowMs + 10_000 }
    const { revocations, written } = start({ outcome: 'already_revoked' }, { held: [shorter] })
    expect(await revocations.commit(conditional())).to.have.property('outcome', 'already_revoked')
    expect(written.slice(1).map(({ entries }) => entries)).to.deep.equal([[token]])
  })

  it('already revoked for as long as the token lives: nothing else is written', async () => {
    const { revocations, written } = start({ outcome: 'already_revoked' }, { held: [session] })
    await revocations.commit(conditional())
    expect(written).to.have.length(1)
  })

  it('already revoked, with replicas to wait for: the entry is written again', async () => {
    const parts = { held: [session], awaitsReplicas: true }
    const { revocations, written } = start({ outcome: 'already_revoked' }, parts)
    await revocations.commit(conditional())
    expect(written.slice(1).map(({ entries }) => entries)).to.deep.equal([[session]])
  })

  it('known as revoked for as long as the token lives: no store is asked, unless it counts the request', async () => {
    const { revocations, liveSet, written } = start(unavailable)
    liveSet.add(session)
    expect(await revocations.commit(conditional({}, true))).to.deep.equal({
      outcome: 'already_revoked',
    })
    expect(written).to.have.length(0)
    expect(await revocations.commit(conditional({ rateLimit }, true))).to.deep.equal({
      outcome: 'already_revoked',
    })
    expect(written).to.have.length(1)
  })

  it('throws what the store throws', async () => {
    const { revocations } = start(unavailable)
    const error = await revocations.commit(conditional()).catch((thrown: unknown) => thrown)
    expect(error).to.equal(unavailable)
  })

  it('without preconditions: record returns the commit and its outcome', async () => {
    const { revocations } = start({ outcome: 'stored' })
    const commit = commitOf([token])
    expect(await revocations.record(commit)).to.deep.equal({ outcome: 'stored', commit })
  })
})
