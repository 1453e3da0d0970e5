import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { verify } from '../support/asking.js'
import { openCierre } from '../support/embedded.js'
import { statusOf } from '../support/guard.js'
import { startService } from '../support/service.js'
import {
  algorithms,
  ec,
  hmacSecret,
  keyVariables,
  nowS,
  pemOf,
  rsa,
  sign,
  token,
  freshClaims,
} from '../support/tokens.js'

type Jwk = Record<string, unknown>
const jwkOf = (pair: { publicKey: typeof rsa.publicKey }, more: Jwk = {}): Jwk => ({
  ...pair.publicKey.export({ format: 'jwk' }),
  ...more,
})

/** Logs out with each token in turn and gives the statuses. */
async function statuses(env: Record<string, string>, ...tokens: string[]): Promise<number[]> {
  const service = await startService(env)
  try {
    const result: number[] = []
    for (const jwt of tokens) result.push((await service.logout(jwt)).status)
    return result
  } finally {
    await service.stop()
  }
}

describe('verification', () => {
  for (const algorithm of algorithms) {
    it(`200 then 401: ${algorithm}`, async () => {
      const jwt = await token({}, algorithm)
      expect(await statuses(keyVariables(algorithm), jwt, jwt)).to.deep.equal([200, 401])
    })
  }

  it('200 without JWT_ALGORITHMS for the default algorithms of the key, 401 for others', async () => {
    expect(
      await statuses(
        { JWT_SECRET: hmacSecret },
        await token({}, 'HS256'),
        await token({}, 'HS512'),
      ),
    ).to.deep.equal([200, 401])
    const ofRsa = ['RS256', 'PS256', 'RS512', 'PS384']
    expect(
      await statuses(
        { JWT_PUBLIC_KEY: pemOf('RS256') },
        ...(await Promise.all(ofRsa.map((algorithm) => token({}, algorithm)))),
      ),
    ).to.deep.equal([200, 200, 401, 401])
    expect(
      await statuses(
        { JWT_PUBLIC_KEY: pemOf('ES384') },
        await token({}, 'ES384'),
        await token({}, 'ES256'),
      ),
    ).to.deep.equal([200, 401])
    expect(
      await statuses(
        { JWT_PUBLIC_KEY: pemOf('EdDSA') },
        await token({}, 'EdDSA'),
        await token({}, 'Ed25519'),
      ),
    ).to.deep.equal([200, 200])
  })

  it('200 with a PEM with literal \\n, a JWK and a JWKS', async () => {
    const variants = [
      pemOf('ES256').replaceAll('\n', '\\n'),
      JSON.stringify(jwkOf(ec['ES256']!)),
      JSON.stringify({ keys: [jwkOf(rsa, { kid: 'r' }), jwkOf(ec['ES256']!, { kid: 'e' })] }),
    ]
    for (const key of variants)
      expect(await statuses({ JWT_PUBLIC_KEY: key }, await token({}, 'ES256'))).to.deep.equal([200])
  })

  it('tries every key that may have signed, and no key that kid, use or alg excludes', async () => {
    const another = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const set = (more: Jwk) => ({
      JWT_PUBLIC_KEY: JSON.stringify({
        keys: [jwkOf(another, { kid: 'other' }), jwkOf(ec['ES256']!, more)],
      }),
    })
    const named = () => token({}, 'ES256', { kid: 'mine' })
    expect(
      await statuses(set({ kid: 'mine' }), await named(), await token({}, 'ES256')),
    ).to.deep.equal([200, 200])
    expect(await statuses(set({}), await named())).to.deep.equal([200])
    expect(await statuses(set({ kid: 'not-mine' }), await named())).to.deep.equal([401])
    for (const more of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'ES384' }])
      expect(await statuses(set({ kid: 'mine', ...more }), await named())).to.deep.equal([401])
  })

  it('property: 401 in the service and in a guard for a kid that is no text (RFC 7515 §4.1.4)', async () => {
    const [service, cierre] = [await startService(), openCierre()]
    try {
      await cierre.ready()
      const odd = fc.jsonValue().filter((kid) => typeof kid !== 'string')
      await fc.assert(
        fc.asyncProperty(fc.oneof(odd, fc.string()), async (kid) => {
          const jwt = await token({}, 'HS256', { kid })
          const expected = typeof kid === 'string' ? 200 : 401
          expect((await verify(service, jwt)).status).to.equal(expected)
          expect(await statusOf(cierre.guard, jwt)).to.equal(expected)
        }),
        { numRuns: 50 },
      )
    } finally {
      await cierre.close()
      await service.stop()
    }
  })

  it('401, and 503 for a text: a kid that is no text is refused before any key is looked up', async () => {
    const service = await startService({ JWT_JWKS_URI: 'http://127.0.0.1:1/jwks' })
    try {
      const statusFor = async (kid: unknown) =>
        (await verify(service, await token({}, 'RS256', { kid }))).status
      expect(await statusFor('text')).to.equal(503)
      for (const kid of [7, null, true, ['text'], { toString: 'text' }])
        expect(await statusFor(kid), JSON.stringify(kid)).to.equal(401)
    } finally {
      await service.stop()
    }
  })

  it('200 with odd keys beside a good one', async () => {
    const good = jwkOf(ec['ES256']!, { kid: 'good' })
    for (const odd of [
      jwkOf(ec['ES256']!, { key_ops: ['verify', 'sign'] }),
      jwkOf(ec['ES384']!, { key_ops: ['sign'] }),
      jwkOf(rsa, { ext: false }),
    ]) {
      expect(
        await statuses(
          { JWT_PUBLIC_KEY: JSON.stringify({ keys: [odd, good] }) },
          await token({}, 'ES256', { kid: 'good' }),
          await token({}, 'ES256'),
        ),
      ).to.deep.equal([200, 200])
    }
  })

  it('401 for another iss, aud or typ than the configured one', async () => {
    const env = { JWT_ISSUER: 'https://a', JWT_AUDIENCE: 'api', JWT_TYP: 'at+jwt' }
    const good = { iss: 'https://a', aud: ['other', 'api'] }
    const typ = { typ: 'at+jwt' }
    expect(
      await statuses(
        env,
        await token(good, 'HS256', typ),
        await token({ ...good, iss: 'https://A' }, 'HS256', typ),
        await token({ ...good, iss: undefined }, 'HS256', typ),
        await token({ ...good, aud: 'apis' }, 'HS256', typ),
        await token({ ...good, aud: undefined }, 'HS256', typ),
        await token(good),
        await token(good, 'HS256', { typ: undefined }),
      ),
    ).to.deep.equal([200, 401, 401, 401, 401, 401, 401])
  })

  it('401 for nbf or iat beyond the clock skew, and without exp under JWT_REQUIRE_EXP', async () => {
    expect(
      await statuses(
        { JWT_REQUIRE_EXP: 'true', MAX_CLOCK_SKEW_S: '60' },
        await token({ nbf: nowS(120) }),
        await token({ iat: nowS(120) }),
        await token({ exp: undefined }),
        await token({ iat: nowS(30) }),
        await token({ nbf: nowS(30) }),
      ),
    ).to.deep.equal([401, 401, 401, 200, 200])
    const endless = await token({ exp: undefined })
    expect(await statuses({}, endless, endless)).to.deep.equal([200, 401])
  })

  it('each issuer has its own keys, and equal sub, sid and jti of two issuers are independent', async () => {
    const shared = { sub: 'same', sid: 'same-session', jti: 'same-jti' }
    const env = {
      JWT_ISSUERS: JSON.stringify([
        { issuer: 'https://a', secret: hmacSecret },
        { issuer: 'https://b', secret: hmacSecret },
        { issuer: 'https://c', publicKey: jwkOf(ec['ES256']!) },
      ]),
    }
    const ofA = await sign(freshClaims({ ...shared, iss: 'https://a' }))
    const ofB = await sign(freshClaims({ ...shared, iss: 'https://b' }))
    const ofC = await sign(freshClaims({ ...shared, iss: 'https://c' }), 'ES256')
    const foreign = await sign(freshClaims({ ...shared, iss: 'https://a' }), 'ES256')
    const ofUnknown = await sign(freshClaims({ ...shared, iss: 'https://d' }))
    expect(await statuses(env, ofA, ofA, ofB, ofB, ofC, foreign, ofUnknown)).to.deep.equal([
      200, 401, 200, 401, 200, 401, 401,
    ])
  })
})
