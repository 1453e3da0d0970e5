import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import {
  auditEvents,
  backchannel,
  createRevocation,
  erase,
  getRevocation,
  introspect,
  revoke,
  verify,
} from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { heldDeadlineMs, holdDeadlines, type Deadlines } from '../support/deadlines.js'
import type { Answer } from '../support/http.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, logoutToken, sign, token } from '../support/tokens.js'
import {
  issSub,
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'

const unavailable = { success: false, message: 'Servicio no disponible temporalmente' }
const oauthUnavailable = { error: 'temporarily_unavailable' }

describe('every operation when Redis fails: its declared 500 or 503 within the deadline, never "not revoked" or inactive', () => {
  let redis: TestRedis
  let service: TestService
  let deadlines: Deadlines
  before(async () => {
    deadlines = holdDeadlines()
    redis = await startRedis()
    service = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      STORE_TIMEOUT_MS: String(heldDeadlineMs),
      MAX_STALENESS_MS: '100',
      JWT_BACKCHANNEL_AUDIENCE: 'app',
      ...transmitterVariables(transmitter),
    })
  })
  after(async () => {
    await service.stop()
    await redis.stop()
    deadlines.restore()
  })

  const iss = 'https://issuer.test'
  const asking: Record<string, [(jwt: string) => Promise<Answer>, number, unknown]> = {
    verify: [(jwt) => verify(service, jwt), 503, unavailable],
    introspect: [(jwt) => introspect(service, jwt), 503, oauthUnavailable],
    getRevocation: [() => getRevocation(service, 's:STZdE5UhiKXu7dz9QIFjCA'), 503, unavailable],
    listAuditEvents: [() => auditEvents(service), 503, unavailable],
    eraseSubject: [() => erase(service, { iss, sub: 'x' }), 503, unavailable],
  }
  const revoking: typeof asking = {
    logout: [
      (jwt) => service.logout(jwt),
      500,
      { success: false, message: 'Error interno del servidor' },
    ],
    'logout everywhere': [
      (jwt) => service.logout(jwt, { token: jwt, scope: 'global' }),
      500,
      { success: false, message: 'Error interno del servidor' },
    ],
    revoke: [(jwt) => revoke(service, jwt), 503, oauthUnavailable],
    createRevocation: [
      (jwt) => createRevocation(service, { token: jwt, reason: 'admin' }),
      503,
      unavailable,
    ],
    'createRevocation of a subject': [
      // No earlier request names the subject: what a paused Redis got is stored later, and the same
      // once more changes nothing.
      () => createRevocation(service, { iss, sub: randomUUID(), reason: 'admin' }),
      503,
      unavailable,
    ],
    backchannelLogout: [
      async () => backchannel(service, await logoutToken()),
      503,
      oauthUnavailable,
    ],
    globalTokenRevocation: [
      async () => revokeGlobally(service, await transmitterJwt(), issSub(randomUUID())),
      503,
      unavailable,
    ],
  }

  async function expectUnknown(operations: typeof asking) {
    const jwt = await sign(freshClaims())
    for (const [name, [ask, status, body]] of Object.entries(operations)) {
      const { value: answer, deadlines: taken } = await deadlines.during(ask(jwt))
      expect([name, answer.status, answer.json]).to.deep.equal([name, status, body])
      expect(answer.headers['retry-after'], name).to.equal('1')
      // Its own deadline, which may begin while a deadline of the feed runs.
      expect(taken, name).to.be.at.most(2)
    }
  }
  const entries = async () => (await redis.client.keys('cierre:{c}:[tsujn]:*')).sort()
  // This does not ask /health/ready, whose answer may be up to a second old. The feed, by which
  // `/verify` answers from memory, and commits have connections of their own.
  const recovers = async () => {
    await until(
      'it answers again',
      async () => (await verify(service, await token())).status === 200,
    )
    await until('it stores again', async () => (await service.logout(await token())).status === 200)
  }

  /** Until then `/verify` answers from memory. */
  const isStale = async () => {
    const jwt = await token()
    await until(
      'nothing is proved',
      async () => (await deadlines.during(verify(service, jwt))).value.status !== 200,
    )
  }

  it('503, logout 500: Redis is stopped, so that it never answers', async () => {
    redis.pause()
    await isStale()
    await expectUnknown({ ...asking, ...revoking })
    redis.resume()
    await recovers()
  })

  it('503, logout 500: Redis is down', async () => {
    await redis.kill()
    await isStale()
    await expectUnknown({ ...asking, ...revoking })
    await redis.restart()
    await recovers()
  })

  it('out of memory: 503, logout 500 for what revokes; checks still get their answers', async () => {
    const revoked = await token()
    expect((await service.logout(revoked)).status).to.equal(200)
    const before = await entries()
    await redis.client.configSet('maxmemory', '1')
    await expectUnknown(revoking)
    expect((await verify(service, revoked)).status).to.equal(401)
    expect((await introspect(service, revoked)).text).to.equal('{"active":false}')
    expect((await verify(service, await token())).status).to.equal(200)
    await redis.client.configSet('maxmemory', '0')
    expect(await entries()).to.deep.equal(before)
    await recovers()
  })
})
