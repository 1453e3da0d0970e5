import { verify as verifyBytes } from 'node:crypto'
import { expect } from 'chai'
import { jwtVerify } from 'jose'
import { forgeries, isJwt, parseJwt, respellings } from '../../src/doctor/jwt.js'
import { NotTried } from '../../src/doctor/probe.js'
import { algorithms, ec, hmacSecret, keyPairOf, token } from '../support/tokens.js'

describe('variants of a JWT', () => {
  it('respellings: all other texts, of the same header and claims, and jose takes several', async () => {
    for (const algorithm of algorithms) {
      const jwt = await token({}, algorithm)
      const variants = respellings(jwt)
      const texts = variants.map(({ text }) => text)
      expect(new Set([...texts, jwt]).size, algorithm).to.equal(texts.length + 1)
      for (const text of texts) expect(text, algorithm).to.include(jwt.split('.', 2).join('.'))
      const key = algorithm.startsWith('HS')
        ? Buffer.from(hmacSecret)
        : keyPairOf(algorithm).publicKey
      const taken = await Promise.all(
        texts.map((text) =>
          jwtVerify(text, key).then(
            () => 1,
            () => 0,
          ),
        ),
      )
      // A signature of 48 or 96 bytes has neither unused bits nor padding.
      const isExact = parseJwt(jwt).signature.length % 4 === 0 && !algorithm.startsWith('ES')
      if (!isExact) expect(taken, algorithm).to.include(1)
    }
  })

  it('the other ECDSA signature is valid', async () => {
    for (const algorithm of Object.keys(ec)) {
      const variants = respellings(await token({}, algorithm))
      const other = variants.find(({ how }) => how === 'the other ECDSA signature')
      const { signingInput, signature } = parseJwt(other?.text ?? '')
      const key = { key: keyPairOf(algorithm).publicKey, dsaEncoding: 'ieee-p1363' } as const
      const digest = `sha${algorithm.slice(2)}`
      expect(
        verifyBytes(digest, Buffer.from(signingInput), key, Buffer.from(signature, 'base64url')),
        algorithm,
      ).to.equal(true)
    }
  })

  it('forgeries: the issuer has signed none of them', async () => {
    for (const algorithm of ['HS256', 'RS256', 'ES256'])
      for (const { how, text } of forgeries(await token({}, algorithm))) {
        const key = algorithm === 'HS256' ? Buffer.from(hmacSecret) : keyPairOf(algorithm).publicKey
        const isTaken = await jwtVerify(text, key).then(
          () => true,
          () => false,
        )
        expect(isTaken, how).to.equal(false)
        expect(isJwt(text), how).to.equal(true)
      }
  })

  it('no JWT: not tried', () => {
    for (const text of ['', 'opaque', 'a.b.c', 'W10.W10.', 'e30.e30', 'e30.e30.a=']) {
      expect(isJwt(text), text).to.equal(false)
      expect(() => respellings(text), text).to.throw(NotTried)
    }
  })
})
