import { expect } from 'chai'
import { jwtVerify } from 'jose'
import { signAssertion } from '../../src/token/signing.js'
import { ec } from '../support/tokens.js'

describe('a client assertion', () => {
  it('names the client twice and one server, lives a minute, and is made for one use (RFC 7523 §3)', async () => {
    const { privateKey: key, publicKey } = ec['ES256']!
    const nowMs = 1_795_000_000_999
    const told = { clientId: 'cierre', audience: 'https://issuer.test', nowMs }
    const sign = async (kid?: string) =>
      jwtVerify(
        await signAssertion({ key, alg: 'ES256', ...(kid !== undefined && { kid }) }, told),
        publicKey,
        { currentDate: new Date(nowMs) },
      )
    const [one, other] = [await sign(), await sign('k1')]
    expect(one.protectedHeader).to.deep.equal({ alg: 'ES256', typ: 'JWT' })
    expect(other.protectedHeader).to.deep.equal({ alg: 'ES256', typ: 'JWT', kid: 'k1' })
    const { jti, ...claims } = one.payload
    expect(claims).to.deep.equal({
      iss: 'cierre',
      sub: 'cierre',
      aud: 'https://issuer.test',
      iat: 1_795_000_000,
      exp: 1_795_000_060,
    })
    expect(jti).to.match(/^[\da-f-]{36}$/)
    expect(other.payload.jti).not.to.equal(jti)
  })
})
