import { expect } from 'chai'
import fc from 'fast-check'
import { isRevokedBy, valueOf, type Entry } from '../../src/revocation/entry.js'
import { createTokenEntries } from '../../src/revocation/token-entries.js'
import { logoutSignalOf } from '../../src/signals/back-channel-logout.js'
import { standardMapping } from '../../src/token/claim-mapping.js'
import { claimKey, tokenKeys } from '../../src/token/keys.js'
import { secretKeySource } from '../../src/token/key-source.js'
import { backchannelScopes } from '../../src/token/issuer-options.js'
import type { Issuer, VerifiedToken } from '../../src/token/verification.js'

const nowMs = 1_000_000
const rules = createTokenEntries({
  now: () => nowMs,
  find: () => undefined,
  maxClockSkewMs: 0,
})
const issuerWith = (backchannelScope: Issuer['backchannelScope']): Issuer => ({
  ...standardMapping,
  algorithms: [],
  requireExp: false,
  sessionMaxLifetimeS: 500,
  sessionKeys: ['s:{sid}', 'u:{sub}', 'both:{sub}:{sid}'],
  keys: secretKeySource([], []),
  backchannelTyp: 'logout+jwt',
  backchannelAllow: [],
  backchannelScope,
})
const jwt = { header: 'a', payload: 'b', signature: 'c', signingInput: 'a.b' }
const claimsWith = (more: object = {}) => ({
  iss: 'i',
  sub: 'sub',
  sid: 'sid',
  iat: 900.5,
  ...more,
})
/** A verified logout token; its keys are those of its claims. */
const logoutTokenWith = (
  scope: Issuer['backchannelScope'],
  claims: VerifiedToken['claims'] = claimsWith(),
): VerifiedToken => ({
  timing: 'current',
  claims,
  named: claims,
  keys: tokenKeys(jwt, claims),
  issuer: issuerWith(scope),
})
const signalOf = (token: VerifiedToken) => logoutSignalOf(token, rules, nowMs)

const untilMs = 1_400_500
const session = { key: claimKey('s', 'i', 'sid'), untilMs }
const subject = { key: claimKey('u', 'i', 'sub'), untilMs, cutoff: 901 }
const sessionless = { key: claimKey('n', 'i', 'sub'), untilMs, cutoff: 901 }

describe('the revocations of a logout token', () => {
  it('both: its session, and the tokens of its subject without a session, until its own iat', () => {
    const { entries, sessionKeysToDelete } = signalOf(logoutTokenWith('both'))
    expect(entries).to.deep.equal([session, sessionless])
    expect(sessionKeysToDelete, 'of this session alone').to.deep.equal(['s:sid', 'both:sub:sid'])
  })

  it('both, without a session: everything of its subject', () => {
    const { entries, sessionKeysToDelete } = signalOf(
      logoutTokenWith('both', claimsWith({ sid: undefined })),
    )
    expect(entries).to.deep.equal([subject])
    expect(sessionKeysToDelete).to.deep.equal(['u:sub'])
  })

  it('session or subject: that one alone', () => {
    const bySession = signalOf(logoutTokenWith('session'))
    expect(bySession.entries).to.deep.equal([session])
    expect(bySession.sessionKeysToDelete).to.deep.equal(['s:sid', 'both:sub:sid'])
    const bySubject = signalOf(logoutTokenWith('subject'))
    expect(bySubject.entries).to.deep.equal([subject])
    expect(bySubject.sessionKeysToDelete).to.deep.equal(['u:sub'])
  })

  it('a cutoff is never later than now, rounded up, plus the clock skew', () => {
    const { entries } = signalOf(logoutTokenWith('subject', claimsWith({ iat: 5_000 })))
    expect(entries[0]?.cutoff).to.equal(nowMs / 1000)
  })

  it('400: older than every session, names nothing in scope, or has a claim that cannot be a key', () => {
    const old = logoutTokenWith('both', claimsWith({ iat: 499 }))
    expect(() => signalOf(old)).to.throw('logout_token_too_old')
    for (const token of [
      logoutTokenWith('both', { iss: 'i', iat: 900 }),
      logoutTokenWith('session', claimsWith({ sid: undefined })),
      logoutTokenWith('subject', claimsWith({ sub: undefined })),
      logoutTokenWith('both', claimsWith({ sid: {} })),
      logoutTokenWith('both', claimsWith({ sub: {} as never })),
    ])
      expect(() => signalOf(token)).to.throw('logout_token_not_in_scope')
  })

  const name = fc.constantFrom('a', 'b', 7, undefined)
  const drawn = fc.record({
    scope: fc.constantFrom(...backchannelScopes),
    logout: fc.record({ iss: fc.constantFrom('i', undefined), sub: name, sid: name }),
    token: fc.record({
      iss: fc.constantFrom('i', 'i', undefined),
      sub: name,
      sid: name,
      // Around the logout token's own `iat`, in the same second too.
      iat: fc.constantFrom(899, 900, 900.9, 901, 902, undefined),
    }),
  })
  type Drawn = typeof drawn extends fc.Arbitrary<infer Of> ? Of : never

  /** What an administrator would say, without keys. */
  function isMeant({ scope, logout, token }: Drawn): boolean {
    if (token.iss !== logout.iss) return false
    const isSession = logout.sid !== undefined && token.sid === logout.sid
    const isEarlier = token.iat === undefined || token.iat <= 901
    const isSubject = logout.sub !== undefined && token.sub === logout.sub && isEarlier
    if (scope === 'session') return isSession
    if (scope === 'subject' || logout.sid === undefined) return isSubject
    return isSession || (isSubject && token.sid === undefined)
  }

  it('property: they revoke the tokens that are meant, and no other', () => {
    const counts = { revoked: 0, spared: 0 }
    fc.assert(
      fc.property(drawn, (one) => {
        const { scope, logout, token } = one
        const isReadable =
          (scope !== 'subject' && logout.sid !== undefined) ||
          (scope !== 'session' && logout.sub !== undefined)
        fc.pre(isReadable)
        const claims = { ...logout, iat: 900.5 } as VerifiedToken['claims']
        const { entries } = signalOf(logoutTokenWith(scope, claims))
        const keys = Object.values(tokenKeys(jwt, token))
        const isRevoked = entries.some(
          (entry: Entry) =>
            keys.includes(entry.key) && isRevokedBy(entry.key, valueOf(entry), token.iat),
        )
        expect(isRevoked).to.equal(isMeant(one))
        counts[isRevoked ? 'revoked' : 'spared'] += 1
      }),
      { numRuns: 2_000 },
    )
    for (const [outcome, count] of Object.entries(counts)) expect(count, outcome).to.be.above(100)
  })
})
