import { expect } from 'chai'
import fc from 'fast-check'
import { ServiceError } from '../../src/errors.js'
import { parseServiceEntries } from '../../src/token/issuer-entries.js'
import { isIssuedBy, parseIssuerName } from '../../src/token/issuer-name.js'
import { openIssuers } from '../../src/token/open-issuers.js'
import { signClaims } from '../../src/token/signing.js'
import { createVerification, type VerifiedToken } from '../../src/token/verification.js'
import { repeats } from '../support/long.js'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const secretOf = (place: number) => `the secret of issuer ${place}, which is long enough`

/** Values are few, so that many are equal. */
const names = ['one', 'two', 'ne', 'a', 'w']
const issuer = fc.constantFrom(
  'https://a.test/one',
  'https://a.test/two',
  'https://a.test/{tid}',
  'https://a.test/{org}',
  'https://a.test/o{tid}',
  'https://a.test/{tid}/v2',
  'https://{tid}.test/one',
)
const rarely = <T>(...values: T[]) => ({ weight: 1, arbitrary: fc.constantFrom(...values) })
const often = <T>(...values: T[]) => ({ weight: 6, arbitrary: fc.constantFrom(...values) })
const session = fc.oneof(
  often('sid', 'session_id', 'jti'),
  rarely('tid', 'org', 'sub', 'oid', 'iss'),
)
const entry = fc.record(
  {
    issuer,
    issuerValues: fc.oneof(often(undefined), rarely(['one', 'two'], ['a'])),
    sessionClaim: fc.uniqueArray(session, { minLength: 1, maxLength: 2 }),
    subjectClaim: fc.oneof(often('sub', 'oid'), rarely('tid', 'org', 'session_id', 'sid')),
    audienceClaim: fc.constantFrom('client_id', 'tid'),
  },
  { requiredKeys: ['issuer'] },
)
const claim = fc.option(fc.constantFrom<string | number>(...names, 1), { nil: undefined, freq: 9 })
const token = fc
  .record({
    of: issuer,
    filled: fc.oneof(often(...names), rarely('one/v2', 'a.test/one', '')),
    odd: fc.boolean(),
    claims: fc.record({
      sub: claim,
      oid: claim,
      sid: claim,
      session_id: claim,
      jti: claim,
      tid: claim,
      org: claim,
    }),
  })
  .map(({ of, filled, odd, claims }) => {
    const [, name] = /\{(\w+)\}/.exec(of) ?? []
    const isBound = name !== undefined && !odd
    const iss = of.replace(/\{\w+\}/, filled)
    return { iss, aud: 'api', ...claims, ...(isBound && { [name]: filled }) }
  })

type Verify = (jwt: string) => Promise<VerifiedToken | undefined>

/** A verification with these issuers; nothing when the settings are refused. */
function verificationOf(entries: readonly object[]): Verify | undefined {
  const faults: string[] = []
  const defaults = { sessionKeys: [], sessionMaxLifetimeS: 1, cutoffClaim: 'iat' } as const
  const configs = parseServiceEntries(entries, defaults, (what) => void faults.push(what))
  if (faults.length > 0) return undefined
  const now = Date.now
  const { issuers } = openIssuers(configs, { requireExp: false, log, now })
  const { verify } = createVerification({ issuers, now, maxClockSkewMs: 0, maxTokenLength: 9_999 })
  return (jwt) =>
    verify(jwt).catch((error: unknown) => {
      if (error instanceof ServiceError && error.code === 'invalid_token') return undefined
      throw error
    })
}

const namesOf = ({ keys: { s, u, n, j } }: VerifiedToken): string[] =>
  [s, u, n, j].filter((key) => key !== undefined)

const signed = (claims: object, signer: number) =>
  signClaims(
    JSON.parse(JSON.stringify(claims)) as Record<string, unknown>,
    { alg: 'HS256', typ: 'JWT' },
    Buffer.from(secretOf(signer)),
  )

/** What is accepted of these claims, signed by each of the issuers. */
async function accepted(verify: Verify, tokens: readonly object[]): Promise<VerifiedToken[]> {
  const signers = [0, 1, 2]
  const verified = await Promise.all(
    tokens.flatMap((claims) => signers.map(async (signer) => verify(await signed(claims, signer)))),
  )
  return verified.filter((one) => one !== undefined)
}

function expectIssuedBy({ claims, issuer: { issuer: iss, template } }: VerifiedToken): void {
  if (template === undefined) return expect(claims.iss).to.equal(iss) && undefined
  const filled = claims[template.claim]
  expect(filled).to.match(/^[A-Za-z0-9_-]+$/)
  expect(claims.iss).to.equal(`${template.start}${String(filled)}${template.end}`)
}

describe('names of several issuers', () => {
  it('property: no session claim, template or subject claim makes the names of two issuers or tenants meet', async function () {
    this.timeout(600_000)
    const counts = { refused: 0, pairs: 0, templates: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { minLength: 1, maxLength: 3 }),
        fc.array(token, { minLength: 6, maxLength: 6 }),
        async (entries, tokens) => {
          const all = entries.map((one, at) => ({ audience: 'api', secret: secretOf(at), ...one }))
          const verify = verificationOf(all)
          const inReverse = verificationOf([...all].reverse())
          if (verify === undefined || inReverse === undefined) {
            expect(verify, 'settings are refused in any order').to.equal(inReverse)
            return void (counts.refused += 1)
          }
          const verified = await accepted(verify, tokens)
          expect(
            (await accepted(inReverse, tokens)).map(({ keys }) => keys),
            'in any order the issuers accept the same tokens',
          ).to.deep.equal(verified.map(({ keys }) => keys))
          verified.forEach(expectIssuedBy)
          counts.templates += verified.filter(({ issuer: { template } }) => template).length
          for (const one of verified)
            for (const other of verified) {
              if (one.claims.iss === other.claims.iss) {
                expect(one.issuer, 'one iss is of one issuer').to.equal(other.issuer)
              } else {
                counts.pairs += 1
                const both = namesOf(one).filter((name) => namesOf(other).includes(name))
                expect(both).to.deep.equal([])
              }
            }
        },
      ),
      { numRuns: repeats(1_000, 20_000) },
    )
    expect(Math.min(counts.refused, counts.pairs, counts.templates)).to.be.above(100)
  })

  it('a template demands the claim that it names, as a word, in the place of {claim}', () => {
    const tenants = parseIssuerName('https://login.test/{tid}/v2.0')
    const isIssued = (iss: unknown, tid: unknown) => isIssuedBy(tenants, { iss, tid })
    expect(isIssued('https://login.test/one/v2.0', 'one')).to.equal(true)
    for (const [iss, tid] of [
      ['https://login.test/one/v2.0', 'two'],
      ['https://login.test/one/v2.0', undefined],
      ['https://login.test//v2.0', ''],
      ['https://login.test/v2.0', ''],
      ['https://login.test/a/b/v2.0', 'a/b'],
      ['https://login.test/../v2.0', '..'],
      ['https://login.test/a.b/v2.0', 'a.b'],
      ['https://login.test/{tid}/v2.0', '{tid}'],
      ['https://login.test/one/v2.0/', 'one'],
      ['https://login.test/one\n/v2.0', 'one\n'],
      ['https://login.test/7/v2.0', 7],
      [undefined, undefined],
    ])
      expect(isIssued(iss, tid), String(iss)).to.equal(false)
  })
})
