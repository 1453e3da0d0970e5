import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { askIntrospection, type Guard, type GuardError } from '../../src/guard.js'
import { startAgent, type TestAgent } from '../support/agent.js'
import {
  backchannel,
  createRevocation,
  introspect,
  postForm,
  revoke,
  verify,
} from '../support/asking.js'
import { asClient, clientsVariable, secretOf } from '../support/clients.js'
import { openCierre } from '../support/embedded.js'
import { feedOf, startGuard, statusOf } from '../support/guard.js'
import { send, type Answer } from '../support/http.js'
import { runMain } from '../support/instance.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { logoutToken, token, tokenOfLength } from '../support/tokens.js'

const longest = 16_384
const challenge =
  'Bearer realm="cierre", error="invalid_token", error_description="The token is too long to be checked here"'
const told = ({ status, headers, json }: Answer) => [status, headers['x-error-reason'], json]
const invalidRequest = [400, 'too_long', { error: 'invalid_request' }]
const invalid = { success: false, message: 'Token no proporcionado o inválido' }

describe('tokens of up to 16384 characters, and longer ones', () => {
  let service: TestService
  let guard: Guard
  let agent: TestAgent
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable, JWT_BACKCHANNEL_AUDIENCE: 'app' })
    guard = startGuard(service.origin)
    agent = await startAgent(service.origin)
    await guard.ready()
  })
  after(async () => {
    await guard.close()
    await agent.stop()
    await service.stop()
  })
  const askAgent = (jwt: string) =>
    send(agent.admin, {
      method: 'POST',
      path: '/oauth/introspect',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${jwt}`,
    })
  const checkAgent = (jwt: string) =>
    send(agent.origin, { headers: { authorization: `Bearer ${jwt}` } })

  it('200 for the longest in every operation, in a guard and in an agent; 401 once it is logged out', async () => {
    const jwt = await tokenOfLength(longest)
    expect(jwt).to.have.length(longest)
    expect((await verify(service, jwt)).status).to.equal(200)
    expect((await introspect(service, jwt)).json).to.include({ active: true })
    expect((await askAgent(jwt)).json).to.include({ active: true })
    expect((await checkAgent(jwt)).status).to.equal(200)
    expect(await statusOf(guard, jwt)).to.equal(200)
    // A page may have the token in cookies, too.
    const cookie = ['a', 'b', 'c'].map((name) => `${name}=${'x'.repeat(4_000)}`).join('; ')
    expect((await service.logout(jwt, { token: jwt }, { cookie })).status).to.equal(200)
    expect((await introspect(service, jwt)).json).to.deep.equal({ active: false })
    await until('the guard refuses it', async () => (await statusOf(guard, jwt)) === 401)
    await until('the agent refuses it', async () => (await checkAgent(jwt)).status === 401)
    for (const end of [
      (one: string) => revoke(service, one),
      (one: string) => createRevocation(service, { token: one, reason: 'admin' }),
    ]) {
      const other = await tokenOfLength(longest)
      expect((await end(other)).status).to.equal(200)
      expect((await verify(service, other)).status).to.equal(401)
    }
  })

  it('a longer one is never told as inactive or revoked: 400 to machine clients, 401 that says it to others', async () => {
    const jwt = await tokenOfLength(longest + 1)
    expect(jwt).to.have.length(longest + 1)
    for (const answer of [
      await introspect(service, jwt),
      await revoke(service, jwt),
      await askAgent(jwt),
    ])
      expect(told(answer)).to.deep.equal(invalidRequest)
    expect(told(await createRevocation(service, { token: jwt, reason: 'admin' }))).to.deep.equal([
      400,
      'too_long',
      {
        success: false,
        message: 'Solicitud inválida',
        details: [{ path: 'body.token', rule: 'must not be longer than MAX_TOKEN_LENGTH' }],
      },
    ])
    for (const answer of [await verify(service, jwt), await service.logout(jwt)]) {
      expect(told(answer)).to.deep.equal([401, undefined, invalid])
      expect(answer.headers['www-authenticate']).to.equal(challenge)
    }
    expect((await checkAgent(jwt)).headers['www-authenticate']).to.equal(challenge)
    const refusal = (await guard
      .check({ token: jwt })
      .catch((error: unknown) => error)) as GuardError
    expect([refusal.status, refusal.reason, refusal.wwwAuthenticate]).to.deep.equal([
      401,
      'too_long',
      challenge,
    ])
    expect((await backchannel(service, await tokenOfLength(longest + 1))).status).to.equal(400)
  })

  it('401 too_long for a body token that is too long, to a genuine bearer alone; the bearer stays good', async () => {
    const [bearer, long] = [await token(), await tokenOfLength(longest + 1)]
    const answer = await service.logout(bearer, { token: long })
    expect(told(answer)).to.deep.equal([401, 'too_long', invalid])
    expect(answer.headers['www-authenticate']).to.equal(challenge)
    const forged = `${bearer.slice(0, bearer.lastIndexOf('.'))}.${'A'.repeat(43)}`
    expect((await service.logout(forged, { token: long })).headers).not.to.include.keys(
      'x-error-reason',
    )
    expect((await verify(service, bearer)).status).to.equal(200)
  })

  it('503, and not 401: a guard that takes longer tokens than its service asks introspection', async () => {
    const lenient = startGuard(service.origin, {
      feed: feedOf('http://127.0.0.1:1'),
      maxTokenLength: longest + 100,
      onUnknown: askIntrospection(feedOf(service.origin)),
    })
    try {
      expect(await statusOf(lenient, await tokenOfLength(longest))).to.equal(200)
      expect(await statusOf(lenient, await tokenOfLength(longest + 50))).to.equal(503)
    } finally {
      await lenient.close()
    }
  })

  it('cierre check says unknown of a longer one, and cierre revoke refuses it', async () => {
    const run = async (...args: string[]) => {
      const input = await tokenOfLength(longest + 1)
      const { child, output } = runMain({
        args,
        input,
        env: {
          CIERRE_URL: service.origin,
          CIERRE_CLIENT_ID: 'all',
          CIERRE_CLIENT_SECRET: secretOf('all'),
        },
      })
      const [code] = (await once(child, 'close')) as [number]
      return [code, output.err]
    }
    expect(await run('check')).to.deep.equal([
      2,
      'unknown: the token is longer than the MAX_TOKEN_LENGTH of the service\n',
    ])
    expect(await run('revoke', '--reason', 'admin')).to.deep.equal([
      1,
      'refused: the token must not be longer than MAX_TOKEN_LENGTH\n',
    ])
  })

  it('property: with MAX_TOKEN_LENGTH the same limit holds at every door', async () => {
    const limit = 900
    const strict = await startService({ CLIENTS: clientsVariable, MAX_TOKEN_LENGTH: String(limit) })
    const cierre = openCierre({ maxTokenLength: limit })
    const own = startGuard(strict.origin, { maxTokenLength: limit })
    try {
      await Promise.all([own.ready(), cierre.ready()])
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: limit - 200, max: limit + 200 }), async (length) => {
          const jwt = await tokenOfLength(length)
          const isTaken = jwt.length <= limit
          expect((await verify(strict, jwt)).status).to.equal(isTaken ? 200 : 401)
          expect((await introspect(strict, jwt)).status).to.equal(isTaken ? 200 : 400)
          for (const each of [own, cierre.guard])
            expect(await statusOf(each, jwt)).to.equal(isTaken ? 200 : 401)
          expect((await revoke(strict, jwt)).status).to.equal(isTaken ? 200 : 400)
          expect((await verify(strict, jwt)).status).to.equal(401)
        }),
        { numRuns: 30, examples: [[limit], [limit + 1], [limit + 2]] },
      )
    } finally {
      await own.close()
      await cierre.close()
      await strict.stop()
    }
  })

  it('in an app: 200 for the longest where the app takes headers of 32 KiB; Node answers 431 where it does not', async () => {
    const cierre = openCierre()
    await cierre.ready()
    const logoutAt = async (maxHeaderSize?: number) => {
      const server = createServer(
        { ...(maxHeaderSize !== undefined && { maxHeaderSize }) },
        cierre.handler,
      ).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const jwt = await tokenOfLength(longest)
      try {
        const { status } = await send(
          `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          {
            method: 'POST',
            path: '/api/v1/auth/logout',
            headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
            body: JSON.stringify({ token: jwt }),
          },
        )
        return status
      } finally {
        server.closeAllConnections()
        server.close()
      }
    }
    try {
      expect(await logoutAt(32 * 1024)).to.equal(200)
      expect(await logoutAt()).to.equal(431)
    } finally {
      await cierre.close()
    }
  })

  it('413 for a body over 64 KiB, and for no shorter one; 431 for headers over 32 KiB', async () => {
    const jwt = await token()
    const padded = (bytes: number) => {
      const body = JSON.stringify({ token: jwt })
      return body + ' '.repeat(bytes - body.length)
    }
    const logout = (body: string, more: Record<string, string> = {}) =>
      service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: {
          authorization: `Bearer ${jwt}`,
          'content-type': 'application/json',
          ...more,
        },
        body,
      })
    expect((await logout(padded(64 * 1024 + 1))).status).to.equal(413)
    expect((await logout(padded(9_000), { cookie: 'x'.repeat(33_000) })).status).to.equal(431)
    const form = (bytes: number) => `token=${jwt}&filler=${'x'.repeat(bytes - jwt.length - 14)}`
    const path = '/oauth/introspect'
    expect((await postForm(service, path, form(64 * 1024), asClient())).status).to.equal(200)
    expect((await postForm(service, path, form(64 * 1024 + 1), asClient())).status).to.equal(413)
    expect((await logout(padded(64 * 1024), { cookie: 'x'.repeat(31_000) })).status).to.equal(200)
  })

  it('200 for a logout token of 16384 characters', async () => {
    const base = await logoutToken()
    const jwt = await logoutToken({
      filler: 'x'.repeat(Math.floor(((longest - base.length - 20) * 3) / 4)),
    })
    expect(jwt.length).to.be.within(longest - 20, longest)
    expect((await backchannel(service, jwt)).status).to.equal(200)
  })
})
