import { expect } from 'chai'
import { createTokenEntries, onePerKey } from '../../src/revocation/token-entries.js'
import type { Value } from '../../src/revocation/entry.js'
import type { RevocationKey } from '../../src/token/keys.js'
import type { Issuer, VerifiedToken } from '../../src/token/verification.js'

const nowMs = 1_000_500
const issuer: Pick<Issuer, 'sessionMaxLifetimeS' | 'cutoffClaim'> = {
  sessionMaxLifetimeS: 1_000,
  cutoffClaim: 'iat',
}
const tokenWith = (parts: Partial<VerifiedToken>): VerifiedToken => ({
  timing: 'current',
  claims: { iat: 900 },
  named: { iat: 900 },
  keys: { t: 't:T', s: 's:S', u: 'u:U', j: 'j:J' },
  issuer: issuer as Issuer,
  expMs: 1_100_000,
  ...parts,
})
const rules = (known: Partial<Record<RevocationKey, Value>> = {}) =>
  createTokenEntries({
    now: () => nowMs,
    find: (key) => known[key],
    maxClockSkewMs: 60_000,
  })

describe('what is stored for a token', () => {
  it('an entry for its session, for as long as any token of the session may live', () => {
    expect(rules().entriesOf([tokenWith({})], 'local')).to.deep.equal([
      { key: 's:S', untilMs: nowMs + 1_000_000 + 60_000 },
    ])
    const longLived = tokenWith({ expMs: 9_000_000 })
    expect(rules().entryOf(longLived)).to.deep.equal({ key: 's:S', untilMs: 9_060_000 })
  })

  it('an entry for the token itself where it names no session, or is not valid now', () => {
    const own = { key: 't:T', untilMs: 1_160_000 }
    expect(rules().entryOf(tokenWith({ keys: { t: 't:T' } }))).to.deep.equal(own)
    for (const timing of ['expired', 'ahead'] as const)
      expect(rules().entryOf(tokenWith({ timing }))).to.deep.equal(own)
  })

  it('an entry for ever where the token has no exp', () => {
    const { expMs: _, ...endless } = tokenWith({})
    expect(rules().entryOf(endless).untilMs).to.equal(null)
  })

  it('global: a cutoff of now, rounded up, or of the token if it is dated later', () => {
    const [, subject] = rules().entriesOf([tokenWith({})], 'global')
    expect(subject).to.deep.equal({ key: 'u:U', untilMs: nowMs + 1_060_000, cutoff: 1_001 })
    const [, ahead] = rules().entriesOf([tokenWith({ claims: { iat: 1_030.5 } })], 'global')
    expect(ahead).to.have.property('cutoff', 1_031)
  })

  it('global: a cutoff is never later than the clock skew allows, whatever the token says', () => {
    const cutoffFor = (iat: unknown) =>
      rules().entriesOf([tokenWith({ claims: { iat: iat as number } })], 'global')[1]?.cutoff
    expect(cutoffFor(1_060)).to.equal(1_060)
    expect(cutoffFor(1_062)).to.equal(1_061)
    expect(cutoffFor(9e15)).to.equal(1_061)
    for (const iat of [undefined, '1062', NaN, Infinity, null])
      expect(cutoffFor(iat)).to.equal(1_001)
  })

  it('global: no cutoff for a token without a subject', () => {
    const token = tokenWith({ keys: { t: 't:T', s: 's:S' } })
    expect(
      rules()
        .entriesOf([token], 'global')
        .map(({ key }) => key),
    ).to.deep.equal(['s:S'])
  })

  it('one entry per key: two tokens of one session and subject are merged', () => {
    const tokens = [tokenWith({}), tokenWith({ expMs: 9_000_000, claims: { iat: 1_020 } })]
    expect(rules().entriesOf(tokens, 'global')).to.deep.equal([
      { key: 's:S', untilMs: 9_060_000 },
      { key: 'u:U', untilMs: 9_060_000, cutoff: 1_020 },
    ])
    expect(onePerKey([])).to.deep.equal([])
  })
})

describe('the preconditions of a commit', () => {
  it('have the keys of the token, its own first, and the time that a cutoff is compared with', () => {
    expect(rules().preconditionsOf(tokenWith({}))).to.deep.equal({
      keys: ['t:T', 's:S', 'u:U', 'j:J'],
      issuedAtS: 900,
      untilMs: 1_160_000,
      isKnownRevoked: false,
    })
    const named = tokenWith({ keys: { t: 't:T', n: 'n:N', j: 'j:J' } })
    expect(rules().preconditionsOf(named).keys).to.deep.equal(['t:T', 'n:N', 'j:J'])
    const bare = tokenWith({ keys: { t: 't:T' }, claims: {} })
    expect(rules().preconditionsOf(bare)).to.deep.include({ keys: ['t:T'], issuedAtS: undefined })
  })

  it('are known as revoked by a key in the live set, or by a cutoff that is not earlier than the token', () => {
    const isRevoked = (known: Partial<Record<RevocationKey, Value>>) =>
      rules(known).preconditionsOf(tokenWith({})).isKnownRevoked
    expect(isRevoked({ 's:S': 1 })).to.equal(true)
    expect(isRevoked({ 'u:U': 900 })).to.equal(true)
    expect(isRevoked({ 'u:U': 899 })).to.equal(false)
    expect(isRevoked({ 's:other': 1 })).to.equal(false)
  })
})
