import { expect } from 'chai'
import fc from 'fast-check'
import { ServiceError } from '../../src/errors.js'
import { createTokenEntries } from '../../src/revocation/token-entries.js'
import { revocationOf, subjectOf } from '../../src/signals/global-token-revocation.js'
import type { Transmitter } from '../../src/signals/transmitters.js'
import { standardMapping } from '../../src/token/claim-mapping.js'
import { isIssuedBy, parseIssuerName } from '../../src/token/issuer-name.js'
import { fixedKeySource } from '../../src/token/key-source.js'
import { claimKey } from '../../src/token/keys.js'
import type { Issuer } from '../../src/token/verification.js'

const keys = fixedKeySource([])
const issuerNamed = (name: string): Issuer => ({
  ...standardMapping,
  ...parseIssuerName(name),
  algorithms: [],
  requireExp: false,
  sessionMaxLifetimeS: 500,
  sessionKeys: ['u:{sub}', 's:{sid}'],
  keys,
  backchannelTyp: 'logout+jwt',
  backchannelAllow: [],
  backchannelScope: 'both',
})
const transmitterFor = (names: readonly string[]): Transmitter => ({
  issuer: 'https://idp.test',
  audience: ['x'],
  algorithms: [],
  keys,
  allow: ['gtr'],
  tokenIssuers: names.map((name) => parseIssuerName(name)),
})
const nowMs = 1_000_000_000
const rulesAt = (now: number) =>
  createTokenEntries({ now: () => now, find: () => undefined, maxClockSkewMs: 60_000 })

const names = ['https://a.test', 'https://b.test', 'https://{tid}.c.test', 'https://{tid}.d.test']
const someNames = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 })
const iss = fc.constantFrom(
  'https://a.test',
  'https://b.test',
  'https://1.c.test',
  'https://2.d.test',
  'https://.c.test',
)
const sub = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('\ud800', 'https://a.test'))
const identifier = fc.oneof(
  fc.record({ format: fc.constant('iss_sub'), iss, sub }),
  fc.record({ format: fc.constant('opaque'), id: sub }),
  fc.record({ format: fc.constantFrom('email', 'aliases', 'OPAQUE'), iss, sub, id: sub }),
)

/** The subject, or the code of the refusal. */
function named(
  body: Parameters<typeof subjectOf>[0],
  allowed: readonly string[],
  all: readonly string[],
) {
  try {
    return subjectOf(body, transmitterFor(allowed), all.map(issuerNamed))
  } catch (error) {
    if (error instanceof ServiceError) return error.code
    throw error
  }
}

describe('the subject of a Global Token Revocation', () => {
  it('is one of an issuer that is configured and the transmitter’s, or the request is refused', () => {
    let [found, refused] = [0, 0]
    fc.assert(
      fc.property(identifier, someNames, someNames, fc.boolean(), (given, allowed, all, isOld) => {
        const subject = named(isOld ? { subject: given } : { sub_id: given }, allowed, all)
        if (typeof subject === 'string') {
          refused += 1
          expect(['bad_request', 'not_permitted', 'not_found']).to.include(subject)
          return
        }
        found += 1
        expect(['iss_sub', 'opaque']).to.include(given.format)
        const claims = { iss: subject.iss, tid: /^https:\/\/(\w+)\./.exec(subject.iss)?.[1] }
        for (const list of [allowed, all])
          expect(list.some((name) => isIssuedBy(parseIssuerName(name), claims))).to.equal(true)
        expect(isIssuedBy(subject.issuer, claims)).to.equal(true)
        expect(subject.key).to.equal(claimKey('u', subject.iss, subject.sub))
        if (given.format === 'opaque') expect(allowed).to.deep.equal([subject.iss])
      }),
      { numRuns: 1000 },
    )
    expect(Math.min(found, refused)).to.be.greaterThan(50)
  })

  it('is refused by its first fault: format, name, configured issuer, own issuer', () => {
    const of = (given: { format: string; iss?: string; sub?: string; id?: string }) =>
      named({ sub_id: given }, ['https://a.test'], ['https://a.test', 'https://b.test'])
    expect(of({ format: 'email' })).to.equal('not_found')
    expect(of({ format: 'iss_sub', iss: 'https://x.test' })).to.equal('bad_request')
    expect(of({ format: 'iss_sub', iss: 'https://x.test', sub: 's' })).to.equal('not_found')
    expect(of({ format: 'iss_sub', iss: 'https://b.test', sub: 's' })).to.equal('not_permitted')
    expect(of({ format: 'opaque', id: 's' })).to.include({ iss: 'https://a.test', sub: 's' })
  })
})

describe('the revocation of a Global Token Revocation', () => {
  const subject = named(
    { sub_id: { format: 'opaque', id: 's' } },
    ['https://a.test'],
    ['https://a.test'],
  )
  if (typeof subject === 'string') throw new Error(subject)
  const entriesAt = (iat: number, at: number) => revocationOf(subject, iat, rulesAt(at), at).entries

  it('has the iat as cutoff, rounded up, and is kept for the longest session from then', () => {
    expect(revocationOf(subject, 999_999.5, rulesAt(nowMs), nowMs)).to.deep.equal({
      entries: [{ key: subject.key, untilMs: 1_000_559_500, cutoff: 1_000_000 }],
      sessionKeysToDelete: ['u:s'],
    })
  })

  it('is the same at every repeat, never with a cutoff beyond the clock skew; nothing once every session is over', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -600, max: 60 }),
        fc.integer({ min: 0, max: 1_200 }),
        (ahead, later) => {
          const iat = nowMs / 1000 + ahead
          const [first] = entriesAt(iat, nowMs)
          const [again] = entriesAt(iat, nowMs + later * 1000)
          if (first !== undefined) expect(first.cutoff).to.equal(iat)
          expect(again).to.deep.equal(later < ahead + 560 ? first : undefined)
        },
      ),
    )
    expect(entriesAt(nowMs / 1000 + 1_000, nowMs)[0]?.cutoff).to.equal(nowMs / 1000 + 60)
  })
})
