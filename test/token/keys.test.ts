import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { parseCanonical } from '../../src/token/canonical-encoding.js'
import { claimKey, decodeKey, tokenKeys } from '../../src/token/keys.js'

const domains = {
  s: 'jwt-session',
  u: 'jwt-subject',
  j: 'jwt-id',
  n: 'jwt-subject-no-session',
} as const
type Kind = keyof typeof domains
const kinds = Object.keys(domains) as Kind[]

const lengthOf = (text: Buffer) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return length
}
const digest = (...parts: Buffer[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest().subarray(0, 16).toString('base64url')

/** The key as the contract describes it, byte by byte. */
function expectedKey(kind: Kind, iss: string, claim: string): string {
  const [issuer, text] = [Buffer.from(iss), Buffer.from(claim)]
  const domain = Buffer.from(`${domains[kind]}\0`)
  return `${kind}:${digest(domain, lengthOf(issuer), lengthOf(text), issuer, text)}`
}

const jwt = parseCanonical('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA')

describe('the key of a claim', () => {
  it('hashes domain, lengths, issuer and claim, also where a length does not fit into seven bits', () => {
    const texts = ['a', 'á', '🔑', ...[126, 127, 128, 129, 300].map((length) => 'x'.repeat(length))]
    for (const kind of kinds)
      for (const iss of ['', ...texts])
        for (const claim of [...texts, `${'x'.repeat(126)}á`])
          expect(claimKey(kind, iss, claim)).to.equal(expectedKey(kind, iss, claim))
  })

  it('property: any issuer and claim have the key that their bytes describe', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 140 })
    fc.assert(
      fc.property(fc.constantFrom(...kinds), text, text, (kind, iss, claim) => {
        expect(claimKey(kind, iss, claim)).to.equal(expectedKey(kind, iss, claim))
      }),
    )
  })

  it('none where the claim counts as absent; an issuer that does is the empty text', () => {
    for (const claim of [undefined, null, '', 1.5, true, [], {}, '\ud800', 2 ** 53])
      for (const kind of kinds) expect(claimKey(kind, 'i', claim)).to.equal(undefined)
    for (const iss of [undefined, null, '', {}, '\ud800'])
      expect(claimKey('u', iss, 'a')).to.equal(expectedKey('u', '', 'a'))
    expect(claimKey('u', 'i', 42)).to.equal(expectedKey('u', 'i', '42'))
  })
})

describe('the keys of a token', () => {
  it('are those of the claims that it has, and n where it has a subject and no session', () => {
    for (const sid of [undefined, 'S'])
      for (const sub of [undefined, 'U'])
        for (const jti of [undefined, 'J']) {
          const iss = 'https://issuer.test'
          const { t, ...others } = tokenKeys(jwt, { iss, sid, sub, jti })
          expect(t).to.equal(`t:${digest(Buffer.from(`jwt-signing-input\0${jwt.signingInput}`))}`)
          expect(others).to.deep.equal({
            ...(sid && { s: expectedKey('s', iss, sid) }),
            ...(sub && { u: expectedKey('u', iss, sub) }),
            ...(jti && { j: expectedKey('j', iss, jti) }),
            ...(sub && !sid && { n: expectedKey('n', iss, sub) }),
          })
        }
  })
})

describe('a text as a key', () => {
  it('is a kind and 22 characters that are 16 bytes in their canonical encoding', () => {
    const bytes = 'AAAAAAAAAAAAAAAAAAAAA'
    for (const kind of [...kinds, 't'])
      for (const last of 'AQgw')
        expect(decodeKey(`${kind}:${bytes}${last}`)).to.equal(`${kind}:${bytes}${last}`)
    for (const text of [
      `x:${bytes}A`,
      `t:${bytes}B`,
      `t:${bytes}`,
      `t:${bytes}AA`,
      ` t:${bytes}A`,
      `t:${bytes}A\n`,
      `t${bytes}A`,
      '',
      undefined,
      null,
      1,
      [`t:${bytes}A`],
    ])
      expect(decodeKey(text), String(text)).to.equal(undefined)
  })
})
