import { expect } from 'chai'
import {
  auditEvents,
  backchannel,
  createRevocation,
  erase,
  getRevocation,
  verify,
} from '../support/asking.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { logoutToken, nowS, token } from '../support/tokens.js'

type Event = { event: string; subject?: string; issuer?: string; keys?: string[] }

const iss = 'https://issuer.test'
const other = 'https://other.test'

async function trailOf(service: TestService): Promise<Event[]> {
  const answer = await auditEvents(service, '?limit=1000')
  return (answer.json as { events: Event[] }).events
}

const erased = async (service: TestService, name: { iss: string | null; sub: string }) => {
  const answer = await erase(service, name)
  return [answer.status, answer.json]
}

for (const store of ['Redis', 'the embedded store']) {
  describe(`eraseSubject, with ${store}`, () => {
    let redis: TestRedis | undefined
    let service: TestService
    before(async () => {
      redis = store === 'Redis' ? await startRedis() : undefined
      service = await startService({
        CLIENTS: clientsVariable,
        JWT_BACKCHANNEL_AUDIENCE: 'app',
        ...(redis && { REDIS_URL: redis.url }),
      })
    })
    after(async () => {
      await service.stop()
      await redis?.stop()
    })

    it('200: deletes every event of a person as requester or target, and no other; a repeat deletes none', async () => {
      const jwt = await token({ sub: 'alice' })
      expect((await service.logout(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(401)
      const expired = await token({ sub: 'alice', exp: nowS(-10) })
      expect((await service.logout(expired)).status).to.equal(403)
      expect((await backchannel(service, await logoutToken({ sub: 'alice' }))).status).to.equal(200)
      const target = { iss, sub: 'alice', reason: 'admin' }
      expect((await createRevocation(service, target)).status).to.equal(200)
      expect((await createRevocation(service, target, 'narrow')).status).to.equal(403)
      for (const claims of [
        { sub: 'bob' },
        { sub: 'alice2' },
        { sub: 'Alice' },
        { sub: 'alice', iss: other },
        { sub: 'alice', iss: undefined },
      ])
        expect((await service.logout(await token(claims))).status).to.equal(200)
      const before = await trailOf(service)
      const isAlice = (event: Event) => event.subject === 'alice' && event.issuer === iss
      const keys = before.filter(isAlice).flatMap((event) => event.keys ?? [])

      expect(await erased(service, { iss, sub: 'alice' })).to.deep.equal([200, { erased: 6 }])
      const [left, ...others] = await trailOf(service)
      expect(others).to.deep.equal(before.filter((event) => !isAlice(event)))
      expect(left).to.include({
        event: 'sensitive_delete',
        outcome: 'success',
        reason: 'erasure',
        client: 'all',
        erased: 6,
      })
      expect(left).not.to.have.any.keys('subject', 'issuer', 'keys')
      expect(service.audited().at(-1)).to.deep.equal(left)

      expect(keys).not.to.be.empty
      for (const key of keys)
        expect((await getRevocation(service, key)).json).to.include({ revoked: true })
      expect((await verify(service, jwt)).status).to.equal(401)
      expect(await erased(service, { iss, sub: 'alice' })).to.deep.equal([200, { erased: 0 }])
      expect(await erased(service, { iss: null, sub: 'alice' })).to.deep.equal([200, { erased: 1 }])
    })

    it('200: a name is found however the trail had to write it', async () => {
      const names = [
        '7',
        'x"}\n{"y":"',
        'a\\u0000\u0007\u2028',
        '😀'.repeat(600),
        `ω${'x'.repeat(3000)}`,
      ]
      for (const sub of names) {
        const claim = sub === '7' ? 7 : sub
        expect((await service.logout(await token({ sub: claim }))).status).to.equal(200)
      }
      for (const sub of names)
        expect(await erased(service, { iss, sub }), sub.slice(0, 9)).to.deep.equal([
          200,
          { erased: 1 },
        ])
    })

    it('403, and nothing is deleted: a client without the permission, or one with audiences', async () => {
      await service.logout(await token({ sub: 'carol' }))
      for (const client of ['powerless', 'deaf', 'narrow'] as const) {
        const refused = await erase(service, { iss, sub: 'carol' }, client)
        expect([refused.status, refused.headers['x-error-reason']]).to.deep.equal([
          403,
          'not_permitted',
        ])
      }
      expect(await erased(service, { iss, sub: 'carol' })).to.deep.equal([200, { erased: 1 }])
    })

    it('400: no issuer, no subject, an empty one, or a member that the contract does not know', async () => {
      for (const body of [{ sub: 'alice' }, { iss }, { iss, sub: '' }, { iss, sub: 'a', sid: 'b' }])
        expect((await erase(service, body as never)).status, JSON.stringify(body)).to.equal(400)
    })
  })
}

describe('eraseSubject when Redis refuses the deletion', () => {
  it('503, an event that says so, and the rest of the service goes on; with the permission, 200', async () => {
    const redis = await startRedis()
    const user = (...rules: string[]) =>
      redis.client.sendCommand(['ACL', 'SETUSER', 'u', 'on', '>u', '~*', '&*', '+@all', ...rules])
    await user('-xdel')
    const service = await startService({
      CLIENTS: clientsVariable,
      REDIS_URL: redis.url.replace('//', '//u:u@'),
    })
    try {
      expect((await service.logout(await token({ sub: 'alice' }))).status).to.equal(200)
      const refused = await erase(service, { iss, sub: 'alice' })
      expect([refused.status, refused.headers['retry-after']]).to.deep.equal([503, '1'])
      expect(service.audited().at(-1)).to.include({
        event: 'sensitive_delete',
        outcome: 'unknown',
        erased: 0,
      })
      expect(await service.isReady()).to.equal(true)
      await user('+xdel')
      expect(await erased(service, { iss, sub: 'alice' })).to.deep.equal([200, { erased: 1 }])
      const list = await service.send({ path: '/api/v1/audit/events', headers: asClient() })
      expect(list.text).not.to.include('alice')
    } finally {
      await service.stop()
      await redis.stop()
    }
  })
})
