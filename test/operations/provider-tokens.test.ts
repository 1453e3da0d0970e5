import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { introspect, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { providerTokens, type Login, type ProviderToken } from '../support/provider-tokens.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { keyPairOf, nowS, sign } from '../support/tokens.js'

const kidOf = ({ alg }: ProviderToken) => `the key for ${alg}`
const newLogin = (login: Partial<Login> = {}): Login => ({
  sub: randomUUID(),
  sid: randomUUID(),
  jti: randomUUID(),
  iat: nowS(),
  exp: nowS(600),
  ...login,
})

function entryOf(shape: ProviderToken): object {
  const { iss, aud } = shape.claims(newLogin())
  const audience = [aud].flat().filter((one) => one !== undefined)
  const jwk = keyPairOf(shape.alg).publicKey.export({ format: 'jwk' })
  return {
    issuer: iss,
    ...(audience.length > 0 && { audience }),
    algorithms: [shape.alg],
    publicKey: { keys: [{ ...jwk, kid: kidOf(shape), use: 'sig', alg: shape.alg }] },
  }
}

describe('the tokens of providers', () => {
  let redis: TestRedis
  let service: TestService
  before(async () => {
    redis = await startRedis()
    service = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify(providerTokens.map(entryOf)),
    })
  })
  after(async () => {
    await service.stop()
    await redis.stop()
  })

  const tokenOf = (shape: ProviderToken, login: Login) =>
    sign(shape.claims(login), shape.alg, {
      typ: shape.typ,
      kid: kidOf(shape),
      ...shape.header,
    })
  const statusOf = async (jwt: string) => (await verify(service, jwt)).status

  it('are of 22 providers at least', () => {
    const providers = providerTokens.map(({ provider }) => provider.split(',')[0])
    expect(new Set(providers).size).to.be.at.least(22)
  })

  for (const shape of providerTokens) {
    it(`are verified, described, logged out and then refused: ${shape.provider}`, async () => {
      const login = newLogin()
      const claims = shape.claims(login)
      const jwt = await tokenOf(shape, login)
      const refreshed = await tokenOf(shape, { ...login, jti: randomUUID(), exp: nowS(601) })
      const { sub } = login
      const otherLogin = await tokenOf(shape, newLogin({ sub, exp: nowS(602) }))

      const { status, headers } = await verify(service, jwt)
      const fields = ['x-auth-subject', 'x-auth-scope'].map((name) =>
        decodeURIComponent(String(headers[name])),
      )
      expect([status, ...fields]).to.deep.equal([200, claims['sub'] ?? '', shape.scopes ?? ''])
      const described = await introspect(service, jwt)
      expect(described.json).to.deep.equal(expectedDescription(shape, claims))

      const loggedOut = await service.logout(jwt)
      expect([loggedOut.status, loggedOut.json]).to.deep.equal([
        200,
        { success: true, message: 'Sesión cerrada exitosamente' },
      ])
      const refused = await verify(service, jwt)
      expect([refused.status, refused.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
      expect((await introspect(service, jwt)).json).to.deep.equal({ active: false })
      expect((await service.logout(jwt)).headers['x-error-reason']).to.equal('revoked')

      // A token that names its session is revoked with the session.
      expect(await statusOf(refreshed)).to.equal('sid' in claims ? 401 : 200)
      expect(await statusOf(otherLogin)).to.equal(200)
    })
  }
})

/** What introspection says: the scopes as text, and the other members as the token has them. */
function expectedDescription({ scopes }: ProviderToken, claims: Record<string, unknown>): object {
  const members = ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'client_id', 'username']
  const ofSession = ['sid', 'azp', 'acr', 'auth_time']
  const present = [...members, ...ofSession].filter((name) => claims[name] !== undefined)
  return {
    active: true,
    token_type: 'Bearer',
    ...(scopes !== undefined && { scope: scopes }),
    ...Object.fromEntries(present.map((name) => [name, claims[name]])),
  }
}
