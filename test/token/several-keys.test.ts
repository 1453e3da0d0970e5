import { createPublicKey, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { createGuard, type GuardIssuer } from '../../src/guard.js'
import { createTestGuard } from '../../src/guard/testing.js'
import { startAgent } from '../support/agent.js'
import { verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { openCierre, serveApp } from '../support/embedded.js'
import { feedOf, statusOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { plant } from '../support/leaks.js'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { ec, ed25519, freshClaims, rsa } from '../support/tokens.js'

const iss = 'https://issuer.test'
const old = 'the-secret-of-last-year-is-still-used-by-tokens'
const newer = { kty: 'oct', k: Buffer.alloc(32, 0x80).toString('base64url'), kid: 'newer' }
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
const pem = spki(rsa.publicKey) + spki(ec['ES256']!.publicKey)

const signed = async (
  key: KeyObject | Uint8Array,
  alg: string,
  header: Record<string, string> = {},
): Promise<string> =>
  plant(await new SignJWT(freshClaims({ iss })).setProtectedHeader({ alg, ...header }).sign(key))

describe('an issuer with two secrets, two public keys and a key set', () => {
  let jwks: Server
  let entry: GuardIssuer
  before(async () => {
    const keys = [{ ...ed25519.publicKey.export({ format: 'jwk' }), kid: 'remote' }]
    jwks = createServer((_request, response) => response.end(JSON.stringify({ keys })))
    await once(jwks.listen(0, '127.0.0.1'), 'listening')
    const jwksUri = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`
    entry = { issuer: iss, secret: [old, newer], publicKey: pem, jwksUri }
  })
  after(() => {
    jwks.closeAllConnections()
    jwks.close()
  })

  /** Tokens of every key, in the order of the entry. */
  const genuine = async () => [
    await signed(Buffer.from(old), 'HS256'),
    await signed(Buffer.alloc(32, 0x80), 'HS256', { kid: 'newer' }),
    await signed(rsa.privateKey, 'RS256'),
    await signed(rsa.privateKey, 'PS256', { kid: 'any' }),
    await signed(ec['ES256']!.privateKey, 'ES256'),
    await signed(ed25519.privateKey, 'EdDSA', { kid: 'remote' }),
  ]
  /** Tokens that no key has made, or not in this algorithm. */
  const forged = async () => [
    await signed(Buffer.from(pem), 'HS256'),
    await signed(Buffer.from(spki(rsa.publicKey)), 'HS256'),
    await signed(Buffer.alloc(32, 0x81), 'HS256', { kid: 'newer' }),
    await signed(Buffer.alloc(64, 0x80), 'HS512'),
    await signed(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ES256'),
    underAnother(await signed(Buffer.from(old), 'HS256'), 'RS256'),
    underAnother(await signed(rsa.privateKey, 'RS256'), 'HS256'),
  ]
  const underAnother = (jwt: string, alg: string) =>
    plant(
      [Buffer.from(JSON.stringify({ alg })).toString('base64url'), ...jwt.split('.').slice(1)].join(
        '.',
      ),
    )

  it('200 for a token of each key, 401 for any other; at the service, in a guard and at the agent', async () => {
    const list = JSON.stringify([entry])
    const service = await startService({ JWT_ISSUERS: list, CLIENTS: clientsVariable })
    const guard = createGuard({ issuers: [entry], feed: feedOf(service.origin) })
    const agent = await startAgent(service.origin, {
      JWT_ISSUERS: list,
      JWT_SECRET: '',
      JWT_ISSUER: '',
    })
    try {
      await until('the keys are loaded', () => service.isReady())
      await guard.ready()
      const doors = {
        service: async (jwt: string) => (await verify(service, jwt)).status,
        guard: (jwt: string) => statusOf(guard, jwt),
        agent: async (jwt: string) =>
          (await send(agent.origin, { path: '/', headers: { authorization: `Bearer ${jwt}` } }))
            .status,
      }
      await until('the agent is ready', async () => (await doors.agent('x')) === 401)
      const tokens = await genuine()
      for (const [name, check] of Object.entries(doors)) {
        expect(await Promise.all(tokens.map(check)), name).to.deep.equal(tokens.map(() => 200))
        for (const jwt of await forged())
          expect(await check(jwt), `${name} ${jwt}`).to.be.oneOf([401, 503])
      }
      for (const jwt of tokens) expect((await service.logout(jwt)).status).to.equal(200)
      for (const jwt of tokens)
        await until('the guard refuses it', async () => (await doors.guard(jwt)) === 401)
    } finally {
      await agent.stop()
      await guard.close()
      await service.stop()
    }
  }).timeout(120_000)

  it('200 for a token of each key inside an app', async () => {
    const cierre = openCierre({ issuers: [entry] })
    const app = await serveApp((request, response) => cierre.handler(request, response))
    try {
      await cierre.ready()
      for (const jwt of await genuine()) {
        expect(await statusOf(cierre.guard, jwt)).to.equal(200)
        expect((await app.logout(jwt)).status).to.equal(200)
        expect(await statusOf(cierre.guard, jwt)).to.equal(401)
      }
      for (const jwt of await forged())
        expect(await statusOf(cierre.guard, jwt)).to.be.oneOf([401, 503])
    } finally {
      await app.stop()
      await cierre.close()
    }
  })

  it('a test guard signs with the first secret, takes tokens of the given keys, and fetches nothing', async () => {
    const { guard, token, revoke, close } = createTestGuard({
      issuers: [{ ...entry, jwksUri: 'http://127.0.0.1:1/jwks' }],
    })
    try {
      await guard.ready()
      const jwt = await token()
      const tokens = [jwt, ...(await genuine()).slice(0, -1)]
      for (const each of tokens) expect(await statusOf(guard, each)).to.equal(200)
      await revoke({ token: jwt })
      expect(await statusOf(guard, jwt)).to.equal(401)
      for (const each of await forged()) expect(await statusOf(guard, each)).to.equal(401)
    } finally {
      await close()
    }
  })

  it('401 for a MAC that any form of a public key has made, whatever keys stand beside it', async () => {
    const key = createPublicKey(rsa.privateKey)
    const text = spki(key)
    const forms: (string | Buffer)[] = [
      text,
      text.trimEnd(),
      text.replaceAll('\n', '\\n'),
      text.replaceAll('\n', '\r\n'),
      key.export({ type: 'pkcs1', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      key.export({ type: 'pkcs1', format: 'der' }),
      JSON.stringify(key.export({ format: 'jwk' })),
      String(key.export({ format: 'jwk' }).n),
      Buffer.from(String(key.export({ format: 'jwk' }).n), 'base64url'),
      '',
    ]
    const keys = fc.record(
      {
        secret: fc.constantFrom<object>([old.repeat(2)], [old.repeat(2), newer]),
        jwksUri: fc.constant('http://127.0.0.1:1/jwks'),
      },
      { requiredKeys: [] },
    )
    const hmac = fc.constantFrom('HS256', 'HS384', 'HS512')
    await fc.assert(
      fc.asyncProperty(keys, hmac, fc.constantFrom(...forms), async (others, alg, form) => {
        const { guard, close } = createTestGuard({
          issuers: [{ issuer: iss, publicKey: text, ...others }],
        })
        const input = [{ alg }, freshClaims({ iss })]
          .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
          .join('.')
        const mac = createHmac(`sha${alg.slice(2)}`, form)
          .update(input)
          .digest('base64url')
        expect(await statusOf(guard, `${input}.${mac}`)).to.equal(401)
        await close()
      }),
      { numRuns: 100 },
    )
  })

  it('is refused when an algorithm has no key, or a key no algorithm', () => {
    const guardOf = (issuer: GuardIssuer) => () =>
      createGuard({ issuers: [issuer], feed: feedOf('https://cierre.test') })
    const { jwksUri: _uri, ...given } = entry
    expect(guardOf({ ...given, algorithms: ['HS256', 'ES384'] })).to.throw(
      'issuers[0].algorithms has ES384, which no key is for',
    )
    expect(guardOf({ ...entry, algorithms: ['HS256'] })).to.throw('has none for the public keys')
    expect(guardOf({ ...entry, algorithms: ['RS256'] })).to.throw('has none for the shared secret')
    expect(guardOf({ secret: pem })).to.throw(
      'issuers[0].secret is a PEM block, which is no shared secret',
    )
  })
})
