import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { build } from 'esbuild'
import { createClient, type Client } from '../../src/client.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { heldDeadlineMs, holdDeadlines } from '../support/deadlines.js'
import { openBrowser, serveOn } from '../support/browser.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, nowS, sign, token } from '../support/tokens.js'

const entry = new URL('../../src/client.ts', import.meta.url).pathname
const bundled = async (minify: boolean) => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'cierre',
    platform: 'browser',
    minify,
  })
  return outputFiles[0]?.text ?? ''
}

describe('cierre/client', () => {
  let service: TestService
  const clientFor = (
    jwt: string | undefined,
    more: Partial<Parameters<typeof createClient>[0]> = {},
  ): Client => createClient({ baseUrl: service.origin, getToken: () => jwt, ...more })
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  it('logs out; already_logged_out only for a revoked token', async () => {
    const jwt = await token()
    expect(await clientFor(jwt).logout()).to.deep.equal({
      outcome: 'logged_out',
      status: 200,
      body: { success: true, message: 'Sesión cerrada exitosamente' },
    })
    expect(await clientFor(jwt).logout()).to.include({
      outcome: 'already_logged_out',
      status: 401,
      reason: 'revoked',
    })
    expect(await clientFor(await token({ exp: nowS(-600) })).logout()).to.include({
      outcome: 'expired',
      status: 403,
      reason: 'expired',
    })
    expect(await clientFor(undefined).logout()).to.deep.equal({
      outcome: 'no_token',
      status: undefined,
      body: undefined,
    })
    expect(await clientFor(await token({ nbf: nowS(600) })).logout()).to.include({
      outcome: 'refused',
      status: 401,
      reason: 'not_yet_valid',
    })
    for (const refused of [`${jwt}=`, 'no token', await token({}, 'ES256')]) {
      expect(await clientFor(refused).logout())
        .to.include({ outcome: 'refused', status: 401 })
        .and.not.to.have.property('reason')
    }
  })

  it('getRefreshToken gives the refresh token of the login; the result says what the issuer did', async () => {
    const jwt = await token()
    const withRefreshToken = (refreshToken: string | null | undefined) =>
      clientFor(jwt, { getRefreshToken: async () => refreshToken })
    expect(await withRefreshToken('a refresh token').logout()).to.include({
      outcome: 'logged_out',
      upstreamRevocation: 'unsupported',
    })
    expect(await withRefreshToken('a refresh token').logout()).to.include({
      outcome: 'already_logged_out',
      upstreamRevocation: 'unsupported',
    })
    for (const none of [null, undefined, ''])
      expect(await withRefreshToken(none).logout())
        .to.include({ outcome: 'already_logged_out' })
        .and.not.to.have.property('upstreamRevocation')
  })

  it('logs out everywhere', async () => {
    const claims = freshClaims()
    const [one, other] = [
      await sign(claims),
      await sign({ ...claims, sid: 'another', jti: 'another' }),
    ]
    expect((await clientFor(one).logoutEverywhere()).outcome).to.equal('logged_out')
    expect((await clientFor(other).logout()).outcome).to.equal('already_logged_out')
    expect(await clientFor(other).logoutEverywhere(), 'it says nothing of the others').to.include({
      outcome: 'refused',
      reason: 'revoked',
    })
  })

  it('introspects and revokes for servers; an error names missing credentials', async () => {
    const server = clientFor(undefined, {
      credentials: { clientId: 'all', clientSecret: secretOf('all') },
    })
    const jwt = await token({ sub: 'carol' })
    const active = await server.introspect(jwt)
    expect(active.status === 200 && active.body).to.include({ active: true, sub: 'carol' })
    expect((await server.revoke({ token: jwt, reason: 'admin' })).status).to.equal(200)
    const inactive = await server.introspect(jwt)
    expect(inactive.status === 200 && inactive.body).to.deep.equal({ active: false })
    const wrong = clientFor(undefined, { credentials: { clientId: 'all', clientSecret: 'wrong' } })
    expect((await wrong.introspect(jwt)).status).to.equal(401)
    expect(
      await clientFor(undefined)
        .introspect(jwt)
        .catch((error: unknown) => error),
    ).to.be.instanceOf(TypeError)
  })

  it('refuses credentials without a secret, such as those of an unset variable', () => {
    for (const credentials of [
      { clientId: 'all', clientSecret: undefined },
      { clientId: '', clientSecret: 'x' },
    ]) {
      expect(() =>
        clientFor(undefined, {
          credentials: credentials as { clientId: string; clientSecret: string },
        }),
      ).to.throw(TypeError, 'credentials')
    }
  })

  it('repeats a request whose outcome is unknown; unknown after the last repeat', async () => {
    const deadlines = holdDeadlines()
    const redis = await startRedis()
    const shaky = await startService({
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: String(heldDeadlineMs),
    })
    try {
      const jwt = await token()
      const of = (attempts: number) =>
        createClient({ baseUrl: shaky.origin, getToken: async () => jwt, attempts })
      redis.pause()
      const { value: once } = await deadlines.during(of(1).logout())
      expect(once).to.deep.include({ outcome: 'unknown', status: 500 })
      const patient = of(10).logout()
      const failedOnce = new Promise((resolve) =>
        shaky.server.once('request', (_request, response: NodeJS.EventEmitter) =>
          response.once('finish', resolve),
        ),
      )
      await deadlines.during(failedOnce)
      redis.resume()
      // The first attempt may have arrived.
      expect((await patient).outcome).to.be.oneOf(['logged_out', 'already_logged_out'])
      expect(
        (await createClient({ baseUrl: shaky.origin, getToken: () => jwt }).logout()).outcome,
      ).to.equal('already_logged_out')
    } finally {
      await shaky.stop()
      await redis.stop()
      deadlines.restore()
    }
    const unreachable = await createClient({
      baseUrl: 'http://127.0.0.1:1',
      getToken: () => 'x',
      attempts: 2,
    }).logout()
    expect(unreachable).to.include({ outcome: 'unknown', status: undefined })
  })

  it('waits as Retry-After says; a longer wait than longestPauseMs is unknown', async () => {
    const times: number[] = []
    const away = await serveOn((_request, response) => {
      times.push(performance.now())
      response
        .writeHead(503, {
          'Retry-After': times.length === 1 ? '1' : '3600',
          'Content-Type': 'application/json',
        })
        .end('{}')
    })
    try {
      expect(
        (await createClient({ baseUrl: away.origin, getToken: () => 'x' }).logout()).outcome,
      ).to.equal('unknown')
      expect(times).to.have.length(2)
      expect(times[1]! - times[0]!).to.be.at.least(990)
    } finally {
      await away.close()
    }
  })

  it('an answer of another server counts as unknown: the 200 of a portal, the 403 of a firewall', async () => {
    const answers = [
      [200, 'text/html', '<p>Welcome to our network'],
      [200, 'application/json', '{"ok":true}'],
      [200, 'application/json', ''],
      [401, 'text/html', 'proxy'],
      [403, 'text/html', 'blocked'],
      [403, 'application/json', '{"blocked":true}'],
      [504, 'text/html', 'late'],
    ] as const
    for (const [status, type, body] of answers) {
      const portal = await serveOn((_request, response) =>
        response.writeHead(status, { 'Content-Type': type }).end(body),
      )
      const client = createClient({
        baseUrl: portal.origin,
        getToken: () => 'x',
        attempts: 1,
        credentials: { clientId: 'x', clientSecret: 'x' },
      })
      expect((await client.logout()).outcome, `${status} ${body}`).to.equal('unknown')
      expect((await client.introspect('x')).status, `${status} ${body}`).to.equal(undefined)
      expect(
        (await client.revoke({ sub: 'x', reason: 'admin' })).status,
        `${status} ${body}`,
      ).to.equal(undefined)
      await portal.close()
    }
  })

  it('works in a browser, across origins', async () => {
    const code = await bundled(false)
    const app = await serveOn((request, response) => {
      if (request.url === '/client.js')
        response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(code)
      else
        response
          .writeHead(200, { 'Content-Type': 'text/html' })
          .end('<!doctype html><link rel="icon" href="data:,"><script src="/client.js"></script>')
    })
    const own = await startService({ CORS_ORIGINS: app.origin })
    const browser = await openBrowser()
    try {
      const { page } = await browser.visit(app.origin)
      const options = JSON.stringify({ baseUrl: own.origin, token: await token() })
      const outcomes = await page.evaluate(`(async ({ baseUrl, token }) => {
        const client = cierre.createClient({ baseUrl, getToken: () => token })
        return [(await client.logout()).outcome, (await client.logout()).outcome]
      })(${options})`)
      expect(outcomes).to.deep.equal(['logged_out', 'already_logged_out'])
    } finally {
      await browser.close()
      await own.stop()
      await app.close()
    }
  })

  it('is as small as the README says', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const [, stated] = /(\d+\.\d) kB of JavaScript, minified and gzipped/.exec(readme) ?? []
    expect((gzipSync(await bundled(true)).length / 1000).toFixed(1)).to.equal(stated)
  })
})
