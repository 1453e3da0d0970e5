import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runAgent, sendOver, startAgent, type TestAgent } from '../support/agent.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { send } from '../support/http.js'
import { exitCode } from '../support/instance.js'
import { end, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('the agent: its process', () => {
  let service: TestService
  let dir: string
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    dir = mkdtempSync(join(tmpdir(), 'cierre-agent-'))
  })
  after(async () => {
    await service.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  /** What a start that fails writes. */
  const failed = async (env: Record<string, string>, url = service.origin) => {
    const { child, output } = runAgent(url, env)
    expect(await exitCode(child)).to.equal(1)
    return output.err
  }

  it('a Unix socket: mode 0660, a stale one is replaced, a live one and another file are faults', async () => {
    const path = join(dir, 'agent.sock')
    const open = async () => {
      const agent = runAgent(service.origin, { AGENT_SOCKET: path })
      await until('it listens', () => agent.output.out.includes('"listening"'))
      return agent
    }
    const first = await open()
    expect(statSync(path).mode & 0o777).to.equal(0o660)
    expect(first.output.out).not.to.include(':3001')
    const authorization = `Bearer ${await token()}`
    expect((await sendOver(path, { authorization })).status).to.equal(200)
    expect(await failed({ AGENT_SOCKET: path })).to.include(
      `AGENT_SOCKET: another process listens on ${path}`,
    )
    expect((await sendOver(path, { authorization })).status, 'it goes on').to.equal(200)
    await end(first.child, 'SIGKILL')
    const second = await open()
    expect((await sendOver(path, { authorization })).status).to.equal(200)
    await end(second.child, 'SIGTERM')
    expect(statSync(path, { throwIfNoEntry: false }), 'removed at the end').to.equal(undefined)
    writeFileSync(path, 'a file')
    expect(await failed({ AGENT_SOCKET: path })).to.include('is there, and is no socket')
  })

  it('logs a warning for an issuer without audience and typ, whose ID tokens pass as access tokens', async () => {
    for (const [env, warnings] of [
      [{}, 1],
      [{ JWT_AUDIENCE: 'api' }, 0],
    ] as const) {
      const { child, output } = runAgent(service.origin, { AGENT_PORT: '0', ...env })
      await until('it listens', () => output.out.includes('"listening"'))
      await end(child)
      const warned = output.out.split('\n').filter((line) => line.includes('ID tokens of this'))
      expect(warned, JSON.stringify(env)).to.have.length(warnings)
    }
  })

  it('stopped before it was ready: it says so in its last lines, and tells of no outage', async () => {
    const agent = runAgent('http://127.0.0.1:1', { AGENT_PORT: '0' })
    await until('it has begun', () => agent.output.out !== '' || agent.child.pid !== undefined)
    await end(agent.child, 'SIGTERM')
    expect(agent.output.out).to.not.include('stale:').and.to.not.include('    at ')
  })

  it('exits with 1 and says why: a client that is refused, an address in use, no settings', async () => {
    expect(await failed({ CIERRE_CLIENT_SECRET: 'wrong' })).to.match(
      /cierre agent cannot start:\n {2}CIERRE_URL, CIERRE_CLIENT_ID: .* answered 401/,
    )
    const { port } = new URL(service.origin)
    expect(await failed({ AGENT_PORT: port })).to.include(
      'AGENT_HOST, AGENT_PORT: listen EADDRINUSE',
    )
    expect(await failed({ JWT_SECRET: '' })).to.include('JWT_ISSUER cannot stand without a key')
  })

  describe('the admin address', () => {
    let open: TestAgent
    let closed: TestAgent
    before(async () => {
      open = await startAgent(service.origin)
      closed = await startAgent(service.origin, { CLIENTS: clientsVariable })
    })
    after(async () => {
      await open.stop()
      await closed.stop()
    })
    const introspect = (agent: TestAgent, form: string, headers: Record<string, string> = {}) =>
      send(agent.admin, {
        method: 'POST',
        path: '/oauth/introspect',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: form,
      })

    it('200: health and metrics; 404 elsewhere, 405 with Allow', async () => {
      for (const path of ['/health/live', '/health/ready', '/metrics'])
        expect((await send(open.admin, { path })).status, path).to.equal(200)
      const { text } = await send(open.admin, { path: '/metrics' })
      expect(text).to.match(/^cierre_guard_staleness_seconds \d/m)
      expect(text).to.match(/^cierre_outage\{what="service"\} 0$/m)
      expect((await send(open.admin, { path: '/' })).status).to.equal(404)
      const { status, headers } = await send(open.admin, { path: '/oauth/introspect' })
      expect([status, headers['allow']]).to.deep.equal([405, 'POST'])
    })

    it('introspection: active, inactive once revoked, 400 and 415 for what is no form with a token', async () => {
      const jwt = await token({ sub: 'alice' })
      expect((await introspect(open, `token=${jwt}`)).json).to.include({
        active: true,
        sub: 'alice',
      })
      expect((await service.logout(jwt)).status).to.equal(200)
      await until(
        'inactive',
        async () => (await introspect(open, `token=${jwt}`)).text === '{"active":false}',
      )
      expect((await introspect(open, 'token=nonsense')).text).to.equal('{"active":false}')
      expect((await introspect(open, '')).status).to.equal(400)
      expect((await introspect(open, 'token=a&token=b')).status).to.equal(400)
      expect(
        (await introspect(open, '{}', { 'content-type': 'application/json' })).status,
      ).to.equal(415)
      expect((await introspect(open, `token=${'x'.repeat(70_000)}`)).status).to.equal(413)
    })

    it('introspection with CLIENTS: 401 without credentials, 403 without the permission', async () => {
      const jwt = await token({ aud: 'narrow' })
      const anonymous = await introspect(closed, `token=${jwt}`)
      expect([anonymous.status, anonymous.json]).to.deep.equal([401, { error: 'invalid_client' }])
      expect((await introspect(closed, `token=${jwt}`, asClient('powerless'))).status).to.equal(403)
      const asked = await introspect(closed, `token=${jwt}`, asClient('narrow'))
      expect(asked.json).to.include({ active: true })
      const other = await introspect(closed, `token=${await token()}`, asClient('narrow'))
      expect(other.text, 'another audience').to.equal('{"active":false}')
    })

    it('introspection with CLIENTS: the claims of the entry, and the scopes of an array', async () => {
      const claims = { sid: 7, azp: 'app', auth_time: 1, role: ['admin'], nested: { a: 1 } }
      const jwt = await token({ ...claims, scp: ['a', 'b'], other: 'x' })
      const { json } = await introspect(closed, `token=${jwt}`, asClient('deaf'))
      expect(json).to.deep.include({ active: true, ...claims, scope: 'a b' })
      expect(json).to.not.have.any.keys('other', 'scp')
      const all = await introspect(closed, `token=${jwt}`, asClient('all'))
      expect(all.json).to.not.have.any.keys('role', 'nested')
    })
  })
})
