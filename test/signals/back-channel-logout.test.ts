import { expect } from 'chai'
import { logoutSignalOf } from '../../src/signals/back-channel-logout.js'
import { secretKeySource } from '../../src/token/key-source.js'
import type { Issuer, VerifiedToken } from '../../src/token/verification.js'

const nowMs = 1_000_000
const issuerWith = (backchannelScope: Issuer['backchannelScope']): Issuer => ({
  algorithms: [],
  requireExp: false,
  sessionMaxLifetimeS: 500,
  sessionKeys: ['s:{sid}', 'u:{sub}'],
  keys: secretKeySource([], []),
  backchannelTyp: 'logout+jwt',
  backchannelAllow: [],
  backchannelScope,
})
const tokenWith = (parts: Partial<VerifiedToken> = {}): VerifiedToken => ({
  timing: 'current',
  claims: { iss: 'i', sub: 'sub', sid: 'sid', iat: 900.5 },
  keys: { t: 't:T', s: 's:S', u: 'u:U' },
  issuer: issuerWith('both'),
  ...parts,
})
const signalOf = (token: VerifiedToken) =>
  logoutSignalOf(
    token,
    { keptUntilMs: (of) => ('expMs' in of ? of.expMs : (of.fromMs ?? 0) + of.lifetimeS * 1000) },
    nowMs,
  )
const session = { key: 's:S', untilMs: 1_400_500 }
const subject = { key: 'u:U', untilMs: 1_400_500, cutoff: 901 }

describe('the revocations of a logout token', () => {
  it('both: its session, and its subject with its own iat as the cutoff', () => {
    const { entries, sessionKeysToDelete } = signalOf(tokenWith())
    expect(entries).to.deep.equal([session, subject])
    expect(sessionKeysToDelete).to.deep.equal(['s:sid', 'u:sub'])
  })

  it('session or subject: that one alone', () => {
    const bySession = signalOf(tokenWith({ issuer: issuerWith('session') }))
    expect(bySession.entries).to.deep.equal([session])
    expect(bySession.sessionKeysToDelete).to.deep.equal(['s:sid'])
    const bySubject = signalOf(tokenWith({ issuer: issuerWith('subject') }))
    expect(bySubject.entries).to.deep.equal([subject])
    expect(bySubject.sessionKeysToDelete).to.deep.equal(['u:sub'])
  })

  it('400: older than every session, or names nothing in scope', () => {
    const claims = { iss: 'i', sub: 'sub', sid: 'sid', iat: 499 }
    expect(() => signalOf(tokenWith({ claims }))).to.throw('logout_token_too_old')
    const nameless = tokenWith({ claims: { iss: 'i', iat: 900 }, keys: { t: 't:T' } })
    expect(() => signalOf(nameless)).to.throw('logout_token_not_in_scope')
  })
})
