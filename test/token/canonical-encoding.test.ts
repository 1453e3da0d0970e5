import { expect } from 'chai'
import fc from 'fast-check'
import { ServiceError } from '../../src/errors.js'
import { claimKey, tokenKeys } from '../../src/token/keys.js'
import { parseCanonical } from '../../src/token/canonical-encoding.js'

const refused = (text: string) =>
  expect(() => parseCanonical(text), JSON.stringify(text))
    .to.throw(ServiceError)
    .with.property('code', 'invalid_token')
const segment = (bytes: number) => Buffer.alloc(bytes, 0xa5).toString('base64url')

describe('canonical encoding', () => {
  it('accepts what a base64url encoder writes, of any length', () => {
    fc.assert(
      fc.property(
        fc.tuple(
          ...Array.from({ length: 3 }, () => fc.uint8Array({ minLength: 1, maxLength: 300 })),
        ),
        (parts) => {
          const segments = parts.map((bytes) => Buffer.from(bytes).toString('base64url'))
          expect(parseCanonical(segments.join('.'))).to.deep.equal({
            header: segments[0],
            payload: segments[1],
            signature: segments[2],
            signingInput: `${segments[0]}.${segments[1]}`,
          })
        },
      ),
    )
  })

  it('refuses every other text, and repairs nothing', () => {
    const [h, p, s] = [segment(3), segment(6), segment(32)]
    const good = `${h}.${p}.${s}`
    parseCanonical(good)
    for (const bad of [
      '',
      '.',
      '..',
      `${h}.${p}`,
      `${good}.`,
      `.${good}`,
      `${good}.${s}`,
      `${h}..${s}`,
      `${h}.${p}.`,
      `.${p}.${s}`,
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${good}\t`,
      `${good}=`,
      `${good}\0`,
      `${h}.${p}.+${s.slice(1)}`,
      `${h}.${p}.é${s.slice(1)}`,
      `${h}.${p}.A`,
      `${h}.${p}.AAAAA`,
    ])
      refused(bad)
  })

  it('refuses a last character whose unused bits are not zero, and accepts every other', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const [at, last] of [...alphabet].entries()) {
      for (const [body, spareBits] of [
        ['A', 4],
        ['AA', 2],
      ] as const) {
        const text = `${segment(3)}.${segment(3)}.${body}${last}`
        if (at % 2 ** spareBits === 0) parseCanonical(text)
        else refused(text)
      }
    }
  })

  it('refuses more than 16384 characters, or than it is told', () => {
    const longest = `${segment(3)}.${'A'.repeat(16_384 - 10)}.${segment(3)}`
    expect(longest).to.have.length(16_384)
    parseCanonical(longest)
    refused(`${segment(3)}.${'A'.repeat(16_384 - 6)}.${segment(3)}`)
    expect(() => parseCanonical('AA.AA.AA', 7))
      .to.throw(ServiceError)
      .that.includes({ code: 'invalid_token', reason: 'too_long' })
    parseCanonical('AA.AA.AA', 8)
  })
})

describe('keys', () => {
  it('are those of the published recipe', () => {
    // Made with: printf 'jwt-session\0\0\0\0\x01\0\0\0\x01is' | openssl dgst -sha256 -binary | head
    // -c 16 | basenc --base64url
    expect(claimKey('s', 'i', 's')).to.equal('s:jDDVMDYYJ1BLmzpS6nx0Qg')
    const jwt = parseCanonical('e30.e30.AAAA')
    // Made with: printf 'jwt-signing-input\0e30.e30' | openssl dgst -sha256 -binary | head -c 16 |
    // basenc --base64url
    expect(tokenKeys(jwt, {}).t).to.equal('t:2WPxAy2PQxKKH_h2Ypv5vg')
  })

  it('never collide between issuers, claims or kinds', () => {
    const claim = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    fc.assert(
      fc.property(claim, claim, claim, claim, (iss, sid, otherIss, otherSid) => {
        const same = iss === otherIss && sid === otherSid
        expect(claimKey('s', iss, sid) === claimKey('s', otherIss, otherSid)).to.equal(same)
        expect(claimKey('s', iss, sid)?.slice(2)).not.to.equal(claimKey('u', iss, sid)?.slice(2))
      }),
    )
    expect(claimKey('s', 'ab', 'c')).not.to.equal(claimKey('s', 'a', 'bc'))
    expect(claimKey('s', undefined, 'c')).not.to.equal(claimKey('s', 'c', 'c'))
  })

  it('do not exist for claims that count as absent', () => {
    for (const claim of [
      undefined,
      null,
      '',
      true,
      {},
      [],
      ['x'],
      'x\ud800',
      0.5,
      2 ** 53,
      -(2 ** 53),
      Infinity,
      NaN,
    ]) {
      expect(claimKey('j', 'iss', claim)).to.equal(undefined)
      expect(claimKey('j', claim, 'jti'), 'an issuer that counts as absent').to.equal(
        claimKey('j', undefined, 'jti'),
      )
    }
    expect(claimKey('j', 'iss', 'x'.repeat(100_000))).to.match(/^j:[A-Za-z0-9_-]{22}$/)
  })

  it('are of the decimal digits of an integer, in any notation of JSON', () => {
    for (const [json, digits] of [
      ['42', '42'],
      ['-7', '-7'],
      ['1.0', '1'],
      ['1e3', '1000'],
      ['-0', '0'],
      ['0', '0'],
      ['9007199254740991', '9007199254740991'],
    ] as const) {
      for (const kind of ['s', 'u', 'j'] as const)
        expect(claimKey(kind, 'iss', JSON.parse(json)), json).to.equal(
          claimKey(kind, 'iss', digits),
        )
      expect(claimKey('u', JSON.parse(json), 'x')).to.equal(claimKey('u', digits, 'x'))
    }
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        (value) => claimKey('u', 'iss', value) === claimKey('u', 'iss', BigInt(value).toString()),
      ),
    )
  })
})
