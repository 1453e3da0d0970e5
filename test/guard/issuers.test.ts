import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { exportJWK } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { ConfigError, parseConfig } from '../../src/config/config.js'
import { createGuard, type Guard, type GuardIssuer, type GuardOptions } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { feedOf, statusOf } from '../support/guard.js'
import { plant } from '../support/leaks.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import {
  ec,
  freshClaims,
  hmacSecret,
  nowS,
  pemOf,
  rsa,
  sign,
  type Claims,
} from '../support/tokens.js'

describe('a guard accepts what its service accepts', () => {
  it('200: a token with a subject and no issuer, as tutorials sign it; 401 once it is logged out', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    const guard = createGuard({ issuers: [{ secret: hmacSecret }], feed: feedOf(service.origin) })
    try {
      await guard.ready()
      const jwt = plant(jsonwebtoken.sign({ sub: 'alice' }, hmacSecret))
      const expiring = plant(jsonwebtoken.sign({ sub: 'alice' }, hmacSecret, { expiresIn: '1h' }))
      expect(await statusOf(guard, jwt)).to.equal(200)
      expect(await statusOf(guard, expiring)).to.equal(200)
      expect((await service.logout(expiring)).status).to.equal(200)
      await until('the guard refuses it', async () => (await statusOf(guard, expiring)) === 401)
      expect(await statusOf(guard, jwt), 'another token of the subject').to.equal(200)
      expect((await service.logout(jwt, { token: jwt, scope: 'global' })).status).to.equal(200)
      await until('the guard refuses the other', async () => (await statusOf(guard, jwt)) === 401)
    } finally {
      await guard.close()
      await service.stop()
    }
  })

  // JWT_* variables of a service, and the entry of a guard that says the same.
  type Key = 'secret' | 'pem' | 'jwk' | 'jwks' | 'remote'
  const configuration = fc.record({
    key: fc.constantFrom<Key>('secret', 'secret', 'pem', 'jwk', 'jwks', 'remote'),
    secret: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(hmacSecret, hmacSecret.slice(0, 32)) },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
    ),
    ofKey: fc.constantFrom('RS256', 'ES256', 'ES384', 'EdDSA'),
    algorithms: fc.constantFrom(
      undefined,
      undefined,
      ['HS256'],
      ['HS512', 'HS256'],
      ['RS256'],
      ['RS256', 'PS256'],
      ['ES256'],
      ['ES384', 'RS512'],
      ['EdDSA'],
      ['Ed25519', 'RS256'],
      ['HS256', 'RS256'],
      ['none'],
    ),
    issuer: fc.constantFrom(undefined, 'https://issuer.test', 'https://other.test'),
    audience: fc.constantFrom(undefined, 'api'),
    typ: fc.constantFrom(undefined, 'at+jwt', 'application/at+jwt', 'JWT'),
    requireExp: fc.constantFrom(undefined, false, true),
    cutoffClaim: fc.constantFrom(undefined, 'iat' as const, 'auth_time' as const),
    maxClockSkewS: fc.constantFrom(undefined, 0, 60, 3600),
  })
  type Configuration = typeof configuration extends fc.Arbitrary<infer T> ? T : never

  let jwks: Server
  let jwksUri: string
  let keySet: { keys: object[] }
  before(async () => {
    const pairs: [string, { publicKey: Parameters<typeof exportJWK>[0] }][] = [
      ['rsa', rsa],
      ...Object.entries(ec),
    ]
    keySet = {
      keys: await Promise.all(
        pairs.map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid })),
      ),
    }
    jwks = createServer((_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(keySet)),
    ).listen(0, '127.0.0.1')
    await once(jwks, 'listening')
    jwksUri = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`
  })
  after(async () => {
    jwks.closeAllConnections()
    jwks.close()
    await once(jwks, 'close')
  })

  const keyOf = async ({
    key,
    secret,
    ofKey,
  }: Configuration): Promise<{ variables: Record<string, string>; entry: GuardIssuer }> => {
    const pem = pemOf(ofKey)
    if (key === 'secret') return { variables: { JWT_SECRET: secret }, entry: { secret } }
    if (key === 'pem')
      return {
        variables: { JWT_PUBLIC_KEY: pem.replaceAll('\n', '\\n') },
        entry: { publicKey: pem },
      }
    if (key === 'remote') return { variables: { JWT_JWKS_URI: jwksUri }, entry: { jwksUri } }
    const [jwk] = keySet.keys
    const publicKey = key === 'jwk' ? jwk! : keySet
    return { variables: { JWT_PUBLIC_KEY: JSON.stringify(publicKey) }, entry: { publicKey } }
  }
  const variablesOf = ({
    algorithms,
    issuer,
    audience,
    typ,
    requireExp,
    cutoffClaim,
    maxClockSkewS,
  }: Configuration): Record<string, string> => ({
    ...(algorithms && { JWT_ALGORITHMS: algorithms.join(',') }),
    ...(issuer !== undefined && { JWT_ISSUER: issuer }),
    ...(audience !== undefined && { JWT_AUDIENCE: audience }),
    ...(typ !== undefined && { JWT_TYP: typ }),
    ...(requireExp !== undefined && { JWT_REQUIRE_EXP: String(requireExp) }),
    ...(cutoffClaim !== undefined && { CUTOFF_CLAIM: cutoffClaim }),
    ...(maxClockSkewS !== undefined && { MAX_CLOCK_SKEW_S: String(maxClockSkewS) }),
  })

  const claimSets = (): Claims[] => [
    {},
    { iss: undefined },
    { iss: 'https://other.test' },
    { aud: 'api' },
    { aud: ['x', 'api'], iss: undefined },
    { aud: 'x' },
    { exp: undefined, aud: 'api' },
    { exp: nowS(-5), aud: 'api' },
    { iat: nowS(30), aud: 'api' },
    { iat: nowS(1800), aud: 'api' },
    { auth_time: nowS(1800), aud: 'api' },
    { sub: undefined, aud: 'api' },
    { iat: undefined, aud: 'api' },
    { iss: 7, aud: 'api' },
    { aud: {}, sid: 5 },
    { nbf: nowS(1800), aud: 'api' },
  ]
  /** Tokens of every key of the tests, and one with the signature of another token. */
  const someTokens = async (): Promise<string[]> => {
    const all = [
      ...claimSets().map((claims) => [claims, 'HS256', 'at+jwt'] as const),
      ...['RS256', 'ES256', 'EdDSA'].flatMap((algorithm) =>
        claimSets().map((claims) => [claims, algorithm, 'at+jwt'] as const),
      ),
    ]
    const more = ['HS512', 'PS256', 'RS512', 'ES384', 'Ed25519', 'HS256', 'RS256'].flatMap(
      (algorithm) => ['JWT', 'logout+jwt'].map((typ) => [{ aud: 'api' }, algorithm, typ] as const),
    )
    const signed = await Promise.all(
      [...all, ...more].map(([claims, algorithm, typ]) =>
        sign(freshClaims(claims), algorithm, { typ }),
      ),
    )
    const [first = '', second = ''] = signed
    return [
      ...signed,
      [...first.split('.').slice(0, 2), second.split('.')[2]].join('.'),
      `${first}=`,
    ]
  }
  const verdictOf = (status: number) =>
    status === 200 ? 'accepted' : status === 503 ? 'unknown' : 'refused'
  /** A key that the set lacks is unknown until the next fetch, and the two fetch at different times. */
  const isSame = (one: string, other: string) =>
    one === other || (one !== 'accepted' && other !== 'accepted')

  it('JWT_ variables and the same settings as an entry: both refused, or both with the same verdict on every token', async () => {
    const counts = { taken: 0, refused: 0, accepted: 0 }
    await fc.assert(
      fc.asyncProperty(configuration, async (chosen) => {
        const { variables, entry } = await keyOf(chosen)
        const environment = { ...variables, ...variablesOf(chosen), CLIENTS: clientsVariable }
        const { algorithms, issuer, audience, typ, requireExp, cutoffClaim, maxClockSkewS } = chosen
        const options = (origin: string): GuardOptions => ({
          issuers: [{ ...entry, algorithms, issuer, audience, typ }],
          feed: feedOf(origin),
          requireExp,
          cutoffClaim,
          maxClockSkewS,
        })
        if (!isTaken(environment)) {
          counts.refused += 1
          expect(() => createGuard(options('https://cierre.test'))).to.throw(TypeError)
          return
        }
        counts.taken += 1
        counts.accepted += await sameVerdicts(environment, options)
      }),
      { numRuns: 60 },
    )
    expect(Math.min(counts.taken, counts.refused), 'configurations of either kind').to.be.above(3)
    expect(counts.accepted, 'tokens that were accepted').to.be.above(0)
  })

  const isTaken = (environment: Record<string, string>): boolean => {
    try {
      parseConfig({ REDIS_URL: 'memory:', ...environment })
      return true
    } catch (error) {
      if (error instanceof ConfigError) return false
      throw error
    }
  }
  /** How many of the tokens both accept. */
  const sameVerdicts = async (
    environment: Record<string, string>,
    options: (origin: string) => GuardOptions,
  ): Promise<number> => {
    const service: TestService = await startService(environment)
    const guard: Guard = createGuard(options(service.origin))
    try {
      await guard.ready()
      const tokens = await someTokens()
      const verdicts = await Promise.all(
        tokens.map(async (jwt) => {
          const { status } = await service.send({
            path: '/api/v1/auth/verify',
            headers: { authorization: `Bearer ${jwt}` },
          })
          return {
            token: jwt.split('.').slice(0, 2),
            service: verdictOf(status),
            guard: verdictOf(await statusOf(guard, jwt)),
          }
        }),
      )
      const isRemote = environment['JWT_JWKS_URI'] !== undefined
      for (const { token, ...verdict } of verdicts) {
        const isWrong = isRemote
          ? !isSame(verdict.guard, verdict.service)
          : verdict.guard !== verdict.service
        expect(
          isWrong,
          `${token.map((part) => Buffer.from(part, 'base64url').toString()).join(' ')}: ${JSON.stringify(verdict)}`,
        ).to.equal(false)
      }
      return verdicts.filter(({ guard }) => guard === 'accepted').length
    } finally {
      await guard.close()
      await service.stop()
    }
  }
})
