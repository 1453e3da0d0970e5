import { createSecretKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import { verificationKey } from '../../src/token/signature.js'
import { algorithms, ec, ed25519, hmacSecret, rsa } from '../support/tokens.js'

/** Keys of every kind, each with the algorithms that it verifies. */
const keys: readonly [name: string, key: KeyObject, suits: RegExp | undefined][] = [
  ['a shared secret', createSecretKey(Buffer.from(hmacSecret)), /^HS/],
  ['RSA', rsa.publicKey, /^[RP]S/],
  ['P-256', ec['ES256']!.publicKey, /^ES256$/],
  ['P-384', ec['ES384']!.publicKey, /^ES384$/],
  ['P-521', ec['ES512']!.publicKey, /^ES512$/],
  ['Ed25519', ed25519.publicKey, /^Ed/],
  ['private RSA', rsa.privateKey, undefined],
  ['private P-256', ec['ES256']!.privateKey, undefined],
  ['private Ed25519', ed25519.privateKey, undefined],
  ['Ed448', generateKeyPairSync('ed448').publicKey, undefined],
  ['X25519', generateKeyPairSync('x25519').publicKey, undefined],
  ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, undefined],
  [
    'RSA bound to PSS',
    generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
    undefined,
  ],
]

describe('a key for one algorithm', () => {
  for (const alg of [...algorithms, 'none', 'ES256K'])
    it(`${alg}: a key of another kind is refused`, () => {
      for (const [name, key, suits] of keys) {
        const make = () => verificationKey(alg, key)
        if (suits?.test(alg) === true) expect(make, name).not.to.throw()
        else expect(make, name).to.throw(`the key is not one for ${alg}`)
      }
    })

  it('verifies PSS with a salt as long as the hash, and no other (RFC 7518 §3.5)', () => {
    const verifies = verificationKey('PS256', rsa.publicKey)
    const signed = (saltLength: number) =>
      sign('sha256', Buffer.from('text'), { key: rsa.privateKey, padding: 6, saltLength })
    expect([32, 31, 0].map((length) => verifies('text', signed(length)))).to.deep.equal([
      true,
      false,
      false,
    ])
  })
})
