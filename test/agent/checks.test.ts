import { once } from 'node:events'
import { METHODS } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { startAgent, type TestAgent } from '../support/agent.js'
import { clientsVariable } from '../support/clients.js'
import { receiveAll, send, statusesOf } from '../support/http.js'
import { startInstance, type Instance } from '../support/instance.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token, tokenOfLength } from '../support/tokens.js'

const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })

describe('the agent: checks', () => {
  let service: TestService
  let agent: TestAgent
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    agent = await startAgent(service.origin, { AUTH_CLAIMS: 'role,tenant' })
  })
  after(async () => {
    await agent.stop()
    await service.stop()
  })
  const check = (jwt: string) => send(agent.origin, { path: '/', headers: bearer(jwt) })

  it('200 or 401, never 204 or 405: each method and each path is a check', async () => {
    const jwt = await token()
    for (const method of METHODS.filter((name) => name !== 'CONNECT'))
      for (const headers of [bearer(jwt), {}]) {
        const { status } = await send(agent.origin, { method, path: '/orders/7', headers })
        expect(status, method).to.equal('authorization' in headers ? 200 : 401)
      }
    for (const path of ['/', '//', '/..%2f', '/health/live', '/metrics', '/oauth/introspect?a=%00'])
      for (const headers of [bearer(jwt), {}]) {
        const { status } = await send(agent.origin, { path, headers })
        expect(status, path).to.equal('authorization' in headers ? 200 : 401)
      }
  })

  it('200 has every field, empty where there is nothing to say, and no body', async () => {
    const { status, headers, text } = await check(
      await token({ sub: 'José', scope: 'a b', role: ['admin'], tenant: 7 }),
    )
    expect([status, text]).to.deep.equal([200, ''])
    expect(headers).to.include({
      'x-auth-subject': 'Jos%C3%A9',
      'x-auth-issuer': 'https%3A%2F%2Fissuer.test',
      'x-auth-scope': 'a%20b',
      'x-auth-claims': Buffer.from('{"role":["admin"],"tenant":7}').toString('base64url'),
      'cache-control': 'no-store',
    })
    expect(Date.parse(String(headers['x-auth-as-of']))).to.be.at.most(Date.now())
    for (const claims of [{ scope: ['a', 'b'] }, { scp: ['a', 'b'] }, { scp: 'a b' }])
      expect((await check(await token(claims))).headers['x-auth-scope']).to.equal('a%20b')
    const bare = await check(await token({ sid: undefined }))
    expect(bare.headers).to.include({
      'x-auth-session': '',
      'x-auth-scope': '',
      'x-auth-claims': Buffer.from('{}').toString('base64url'),
    })
  })

  it('401 with a challenge that says why, and {"error":"invalid_token"}', async () => {
    const challenges = {
      none: await send(agent.origin, {}),
      expired: await check(await token({ exp: 1 })),
      two: await send(agent.origin, {
        headers: ['Authorization', `Bearer ${await token()}`, 'Authorization', 'Bearer x'],
      }),
    }
    for (const answer of Object.values(challenges))
      expect([answer.status, answer.text]).to.deep.equal([401, '{"error":"invalid_token"}'])
    expect(challenges.none.headers['www-authenticate']).to.equal('Bearer realm="cierre"')
    expect(challenges.expired.headers['www-authenticate']).to.include('The access token expired')
    expect(challenges.two.headers['www-authenticate']).to.include('error="invalid_token"')
  })

  it('401 soon after the logout at the service', async () => {
    const jwt = await token()
    expect((await check(jwt)).status).to.equal(200)
    expect((await service.logout(jwt)).status).to.equal(200)
    await until('it refuses', async () => (await check(jwt)).status === 401)
  })

  it('503 and a log line for claims over 4 KiB', async () => {
    const { status, headers } = await check(await token({ role: 'x'.repeat(4_000) }))
    expect([status, headers['retry-after']]).to.deep.equal([503, '1'])
    await until('it is logged', () => agent.output.out.includes('X-Auth-Claims would take'))
  })

  const raw = async (text: string) => {
    const { hostname, port } = new URL(agent.origin)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.write(text)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString('latin1').split('\r\n', 1)[0]
  }

  it('answers at once, whatever the request says of its body', async () => {
    const head = (more: string) =>
      `POST / HTTP/1.1\r\nAuthorization: Bearer ${jwt}\r\nContent-Length: 1000000\r\n${more}\r\n`
    const jwt = await token()
    for (const more of ['', 'Expect: 100-continue\r\n', 'Expect: more\r\n', 'Host: x\r\n'])
      expect(await raw(head(more)), more).to.equal('HTTP/1.1 200 OK')
  })

  it('answers that are due are sent before a bad connection is closed', async () => {
    const request = `GET / HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${await token()}\r\n\r\n`
    for (const bad of ['garbage\r\n\r\n', 'CONNECT api:80 HTTP/1.1\r\nHost: api\r\n\r\n'])
      expect([
        bad,
        statusesOf(await receiveAll(agent.origin, request.repeat(3) + bad)),
      ]).to.deep.equal([bad, ['200', '200', '200']])
  })

  it('400, never 2xx, for what is no request, and for CONNECT', async () => {
    const jwt = await token()
    for (const text of [
      'nonsense\r\n\r\n',
      `BREW / HTTP/1.1\r\nAuthorization: Bearer ${jwt}\r\n\r\n`,
      `CONNECT api:80 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${jwt}\r\n\r\n`,
    ])
      expect(await raw(text)).to.equal('HTTP/1.1 400 Bad Request')
  })

  it('431 for headers over 32 KiB; a token of 16384 characters beside other headers is checked', async () => {
    const head = (token: string, more: string) =>
      `GET / HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nCookie: ${more}\r\n\r\n`
    const longest = await tokenOfLength(16_384)
    expect(await raw(head(longest, 'a'.repeat(15_000)))).to.equal('HTTP/1.1 200 OK')
    expect(await raw(head(longest, 'a'.repeat(17_000)))).to.equal(
      'HTTP/1.1 431 Request Header Fields Too Large',
    )
  })

  it('an upgrade is a check like any other request', async () => {
    const jwt = await token()
    const upgrade = (credentials: string) =>
      raw(
        `GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${credentials}\r\n`,
      )
    expect(await upgrade(`Authorization: Bearer ${jwt}\r\n`)).to.equal('HTTP/1.1 200 OK')
    expect(await upgrade('')).to.equal('HTTP/1.1 401 Unauthorized')
  })

  it('with AGENT_PREFIX: 404 beside it, by the target as it was sent', async () => {
    const own = await startAgent(service.origin, { AGENT_PREFIX: '/verify' })
    try {
      const statusAt = async (path: string) =>
        (await send(own.origin, { path, headers: bearer(await token()) })).status
      for (const path of ['/verify', '/verify/', '/verify?x', '/verify/a/../b'])
        expect(await statusAt(path), path).to.equal(200)
      for (const path of ['/', '/verifyx', '/a/../verify', '//verify', '/%76erify', '/Verify'])
        expect(await statusAt(path), path).to.equal(404)
    } finally {
      await own.stop()
    }
  })
})

describe('the agent beside a service that comes and goes', () => {
  let instance: Instance
  let agent: TestAgent
  let port: number
  const open = () =>
    startInstance(port, { REDIS_URL: 'memory:', JWT_SECRET: hmacSecret, CLIENTS: clientsVariable })
  const statusOf = async (jwt: string) =>
    (await send(agent.origin, { headers: bearer(jwt) })).status
  before(async () => {
    port = await freePort()
  })
  after(async () => {
    await agent.stop()
    await instance.kill()
  })

  const linesOf = (begin: string) =>
    agent.output.out
      .split('\n')
      .filter((line) => line.includes(`"msg":"${begin}`))
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('503 until the service is there, then 200; 503 within the bound once it is gone', async () => {
    const jwt = await token()
    agent = await startAgent(`http://127.0.0.1:${port}`, { MAX_STALENESS_MS: '500' })
    expect(await statusOf(jwt)).to.equal(503)
    expect((await send(agent.admin, { path: '/health/ready' })).status).to.equal(503)
    instance = await open()
    await until('it answers', async () => (await statusOf(jwt)) === 200)
    await instance.kill()
    await until('it is stale', async () => (await statusOf(jwt)) === 503)
    await until('it is logged', () =>
      agent.output.out.includes('stale: every check is answered with a 503'),
    )
    instance = await open()
    await until('it answers again', async () => (await statusOf(jwt)) === 200)
    // The second outage is part of the first one if it begins within 5 s of its end.
    const isOver = () => linesOf('over: ').length === linesOf('stale: ').length
    await until('the outage is over', isOver)
    const began = linesOf('stale: ')
    expect(began).not.to.be.empty
    for (const { level, address, meanwhile } of began)
      expect([level, address, meanwhile]).to.deep.equal([
        'error',
        `http://127.0.0.1:${port}`,
        'valid tokens get 503, invalid and revoked ones 401',
      ])
    expect(began[0]?.['cause']).to.match(/ECONNREFUSED/)
    for (const { failed } of linesOf('over: '))
      expect((failed as Record<string, number>)['checks']).to.be.at.least(1)
    expect(agent.output.out).not.to.include('stack')
  })
})
