import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { expect } from 'chai'
import { heldDeadlineMs, holdDeadlines, type Deadlines } from '../support/deadlines.js'
import { send } from '../support/http.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token } from '../support/tokens.js'

const proxies = {
  nginx: {
    file: 'nginx.conf',
    command: (config: string, dir: string) =>
      [
        'nginx',
        [
          '-p',
          dir,
          '-e',
          join(dir, 'error.log'),
          '-c',
          config,
          '-g',
          `daemon off; pid ${join(dir, 'pid')};`,
        ],
      ] as const,
  },
  caddy: {
    file: 'Caddyfile',
    command: (config: string) =>
      ['caddy', ['run', '--config', config, '--adapter', 'caddyfile']] as const,
  },
}

for (const [name, { file, command }] of Object.entries(proxies)) {
  describe(`forward-auth: the example for ${name}, with a real back end behind it`, () => {
    let deadlines: Deadlines
    let redis: TestRedis
    let service: TestService
    let backend: Server
    let proxy: ChildProcess
    let origin: string
    let dir: string

    before(async () => {
      deadlines = holdDeadlines()
      redis = await startRedis()
      service = await startService({
        REDIS_URL: redis.url,
        STORE_TIMEOUT_MS: String(heldDeadlineMs),
        MAX_STALENESS_MS: '100',
      })
      backend = createServer((request, response) =>
        response.end(JSON.stringify({ path: request.url, headers: request.rawHeaders })),
      ).listen(0, '127.0.0.1')
      await once(backend, 'listening')
      const port = await freePort()
      origin = `http://127.0.0.1:${port}`
      dir = mkdtempSync(join(tmpdir(), `cierre-${name}-`))
      const config = readFileSync(
        new URL(`../../scripts/examples/${file}`, import.meta.url),
        'utf8',
      )
        .replaceAll('127.0.0.1:3000', new URL(service.origin).host)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${(backend.address() as AddressInfo).port}`)
        .replaceAll('127.0.0.1:8000', `127.0.0.1:${port}`)
      writeFileSync(join(dir, file), config)
      const [program, args] = command(join(dir, file), dir)
      proxy = start(program, args, {
        env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
      })
      await until(`${name} listens`, () =>
        send(origin, {}).then(
          () => true,
          () => false,
        ),
      )
    })
    after(async () => {
      await end(proxy, 'SIGTERM')
      backend.close()
      await service.stop()
      await redis.stop()
      deadlines.restore()
      rmSync(dir, { recursive: true, force: true })
    })

    const forged = {
      'x-auth-subject': 'mallory',
      'X-Auth-Issuer': 'mallory',
      'x-auth-session': 'mallory',
      'x-auth-scope': 'mallory',
      'x-auth-claims': 'mallory',
      'x-auth-as-of': 'mallory',
      x_auth_subject: 'mallory',
      X_Auth_Issuer: 'mallory',
      X_AUTH_SESSION: 'mallory',
      x_auth_scope: 'mallory',
      'x-auth_subject': 'mallory',
    }
    const ask = (jwt: string | undefined, headers: Record<string, string> = {}) =>
      send(origin, {
        method: 'POST',
        path: '/orders?x=1',
        headers: {
          ...headers,
          ...(jwt && { authorization: `Bearer ${jwt}` }),
          'content-type': 'application/json',
        },
        body: '{"a":1}',
      })

    it('200 before logout: the back end gets the X-Auth- fields of cierre, and none of the client', async () => {
      const jwt = await token({ sub: 'josé', scope: undefined })
      const answer = await ask(jwt, forged)
      expect(answer.status).to.equal(200)
      const { path, headers } = answer.json as { path: string; headers: string[] }
      expect(path).to.equal('/orders?x=1')
      expect(headers.join('\n')).not.to.include('mallory')
      const subject = headers.findIndex((header) => header.toLowerCase() === 'x-auth-subject')
      expect(headers[subject + 1]).to.equal('jos%C3%A9')
    })

    it('200 with long claims and many cookies', async () => {
      const answer = await ask(await token({ scope: 's '.repeat(1_500) }), {
        cookie: 'c=1; '.repeat(900),
      })
      expect(answer.status).to.equal(200)
    })

    it('401 after logout, with the challenge', async () => {
      const jwt = await token()
      expect((await ask(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(200)
      const answer = await ask(jwt, forged)
      expect(answer.status).to.equal(401)
      expect(answer.headers['www-authenticate']).to.match(
        /^Bearer realm="cierre", error="invalid_token"/,
      )
      expect((await ask(undefined)).headers['www-authenticate']).to.equal('Bearer realm="cierre"')
      const expired = await ask(await token({ exp: nowS(-5) }))
      expect(expired.status).to.equal(401)
      expect(expired.headers['www-authenticate']).to.equal(
        'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
      )
    })

    it('503 while the store is down', async () => {
      const jwt = await token()
      redis.pause()
      // Until then the service answers from memory.
      await until(
        'nothing is proved',
        async () => (await deadlines.during(ask(jwt))).value.status !== 200,
      )
      const { value: answer } = await deadlines.during(ask(jwt))
      redis.resume()
      expect([answer.status, answer.json]).to.deep.equal([
        503,
        { success: false, message: 'Servicio no disponible temporalmente' },
      ])
      expect(answer.headers['retry-after']).to.equal('1')
      await until('it goes through again', async () => (await ask(jwt)).status === 200)
    })
  })
}
