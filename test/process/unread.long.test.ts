import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { asClient, clientsVariable } from '../support/clients.js'
import { send, type Sent } from '../support/http.js'
import { startInstance, type Instance } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { appendRevocations } from '../support/many-revocations.js'
import { freePort } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret, token } from '../support/tokens.js'
import { holdUnread } from '../support/unread.js'
import { feedPath } from '../support/feed-path.js'

const connections = 50
const pipelined = 15
const mostGrowthMb = 50

/** The resident memory of a process. */
const residentMb = ({ pid }: Instance) =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** The most memory of a process while it answers requests one after the other, and every answer is read. */
async function mostWhileRead(instance: Instance, request: Sent, count: number): Promise<number> {
  let mostMb = 0
  for (let asked = 0; asked < count; asked += 1) {
    await send(instance.origin, request)
    mostMb = Math.max(mostMb, residentMb(instance))
  }
  return mostMb
}

/** How much the memory of a process grows while connections request much and read nothing. */
async function growthMb(
  instance: Instance,
  path: string,
  headers: Record<string, string> = {},
  reads = 6 * connections,
): Promise<number> {
  // As many as the system's buffers take of the largest answers, so that garbage does not count as
  // growth.
  const beforeMb = await mostWhileRead(instance, { path, headers }, reads)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const sockets = await holdUnread(
    instance.origin,
    `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`.repeat(pipelined),
    connections,
  )
  const heldMb = await mostWhileRead(instance, { path: '/health/live' }, 2 * connections)
  sockets.forEach((socket) => socket.destroy())
  return heldMb - beforeMb
}

describe(`the process: ${connections} connections × ${pipelined} pipelined requests that are never read`, () => {
  describe('without credentials', () => {
    let instance: Instance
    before(async () => {
      instance = await startInstance(await freePort(), {})
    })
    after(() => instance.kill())

    for (const path of [
      '/docs/swagger-ui-bundle.js',
      '/openapi.json',
      '/openapi.yaml',
      '/',
      '/docs',
      '/metrics',
      '/nowhere',
      feedPath('snapshot'),
    ]) {
      it(`${path}: less than ${mostGrowthMb} MB`, async () =>
        expect(await growthMb(instance, path)).to.be.below(mostGrowthMb))
    }
  })

  describe('of a machine client', () => {
    let redis: TestRedis
    let instance: Instance
    before(async () => {
      redis = await startRedis(['--appendfsync', 'no'])
      await appendRevocations(redis, 200_000)
      instance = await startInstance(await freePort(), {
        REDIS_URL: redis.url,
        JWT_SECRET: hmacSecret,
        CLIENTS: clientsVariable,
      })
      for (let event = 0; event < 1_000; event += 100)
        await Promise.all(Array.from({ length: 100 }, logOut))
    })
    after(async () => {
      await instance.kill()
      saw(instance.output.out)
      await redis.client.flushAll()
      await redis.stop()
    })
    const logOut = async () => {
      const jwt = await token()
      const { status } = await send(instance.origin, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
        body: JSON.stringify({ token: jwt }),
      })
      expect(status).to.equal(200)
    }

    it(`the snapshot: less than ${mostGrowthMb} MB`, async () => {
      expect(await growthMb(instance, feedPath('snapshot'), asClient(), 20)).to.be.below(
        mostGrowthMb,
      )
    })

    // Its pages are made anew for each answer, and on a busy machine their garbage grows past 50 MB.
    // All answers together would take more than 225 MB.
    it('the audit list: less than 100 MB', async () => {
      const path = '/api/v1/audit/events?limit=1000'
      const { text } = await send(instance.origin, { path, headers: asClient() })
      expect(text.length).to.be.above(300_000)
      expect(await growthMb(instance, path, asClient())).to.be.below(100)
    })
  })
})
