import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { send } from '../support/http.js'
import { startInstance } from '../support/instance.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret, token } from '../support/tokens.js'

const mostRequests = 20_000

describe('an upgrade of two instances, one after the other, under load', () => {
  it('200 for every request, and 401 afterwards for every logged-out token', async () => {
    const redis = await startRedis()
    const ports = [await freePort(), await freePort()] as const
    const env = { JWT_SECRET: hmacSecret, REDIS_URL: redis.url, TRUST_PROXY: '127.0.0.1' }
    const instances = await Promise.all(ports.map((port) => startInstance(port, env)))
    const dir = mkdtempSync(join(tmpdir(), 'cierre-nginx-'))
    const front = await freePort()
    const example = readFileSync(
      new URL('../../scripts/examples/two-instances.conf', import.meta.url),
      'utf8',
    )
    writeFileSync(
      join(dir, 'nginx.conf'),
      example
        .replace(':3000', `:${ports[0]}`)
        .replace(':3001', `:${ports[1]}`)
        .replace(':8000', `:${front}`),
    )
    const nginx = start('nginx', [
      '-p',
      dir,
      '-e',
      join(dir, 'error.log'),
      '-c',
      join(dir, 'nginx.conf'),
      '-g',
      `daemon off; pid ${join(dir, 'pid')};`,
    ])
    const origin = `http://127.0.0.1:${front}`
    try {
      await until(
        'nginx answers',
        async () =>
          (await send(origin, { path: '/health/ready' }).catch(() => undefined))?.status === 200,
      )
      let upgrading = true
      const loggedOut: string[] = []
      const others: number[] = []
      const worker = async () => {
        while (upgrading && loggedOut.length + others.length < mostRequests) {
          const jwt = await token()
          const { status } = await send(origin, {
            method: 'POST',
            path: '/api/v1/auth/logout',
            body: JSON.stringify({ token: jwt }),
            headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
          })
          if (status === 200) loggedOut.push(jwt)
          else others.push(status)
        }
      }
      const load = Promise.all(Array.from({ length: 8 }, worker))
      for (const [at, port] of ports.entries()) {
        const before = loggedOut.length
        await until('the load flows', () => loggedOut.length > before + 100)
        instances[at]?.signal('SIGTERM')
        expect(await instances[at]?.ended()).to.equal(0)
        instances[at] = await startInstance(port, env)
      }
      const before = loggedOut.length
      await until('the load flows on', () => loggedOut.length > before + 100)
      upgrading = false
      await load
      expect(others, instances.map(({ output }) => output.out).join('')).to.deep.equal([])
      for (const jwt of loggedOut.slice(-50).concat(loggedOut.slice(0, 50))) {
        expect(
          (
            await send(origin, {
              path: '/api/v1/auth/verify',
              headers: { authorization: `Bearer ${jwt}` },
            })
          ).status,
        ).to.equal(401)
      }
    } finally {
      await end(nginx, 'SIGTERM')
      for (const instance of instances) await instance.kill()
      await redis.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
