import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

/** The values of a metric, by its one label. */
async function valuesOf(service: TestService, name: string): Promise<Record<string, number>> {
  const { text } = await service.send({ path: '/metrics' })
  const lines = [...text.matchAll(new RegExp(`^${name}\\{\\w+="([^"]*)"\\} (\\S+)$`, 'gm'))]
  return Object.fromEntries(
    lines.map(([, label = '', value]) => [label, value === '+Inf' ? Infinity : Number(value)]),
  )
}

describe('cierre_outage', () => {
  const names = (service: TestService) =>
    service.logged().flatMap(({ outage, level, msg }) => (outage ? [{ outage, level, msg }] : []))

  it('is 1 from the first line of an outage in the log to its last, and 0 otherwise', async () => {
    const redis = await startRedis()
    const service = await startService({ REDIS_URL: redis.url, STORE_TIMEOUT_MS: '1500' })
    const outages = () => valuesOf(service, 'cierre_outage')
    const isWell = { store: 0, feed: 0, sessions: 0, audit: 0 }
    try {
      expect(await outages()).to.deep.equal(isWell)
      redis.pause()
      expect((await service.logout(await token())).status).to.equal(500)
      expect((await outages())['store']).to.equal(1)
      await until('the feed is out, too', async () => (await outages())['feed'] === 1)
      const begun = new Set(names(service).map(({ outage }) => outage))
      const measured = Object.entries(await outages()).flatMap(([name, value]) =>
        value === 1 ? [name] : [],
      )
      expect(measured).to.include.members([...begun])
      redis.resume()
      await until('all is well', async () =>
        Object.values(await outages()).every((value) => value === 0),
      )
      const over = names(service).filter(({ msg }) => String(msg).startsWith('over: '))
      expect(over.map(({ outage }) => outage)).to.include.members([...begun])
      expect(await outages()).to.deep.equal(isWell)
    } finally {
      redis.resume()
      await service.stop()
      await redis.stop()
    }
  })
})

describe('the metrics of key sets', () => {
  const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  let isUp = false
  const server = createServer((request, response) => {
    if (isUp || request.url?.startsWith('/good'))
      response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'one' }] }))
    else response.writeHead(502).end()
  })
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('have age and failures for each issuer, and the outage of any of them', async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const issuers = ['good', 'bad'].map((path) => ({
      issuer: `https://${path}.test`,
      jwksUri: `${origin}/${path}?key=a-secret-of-the-query`,
    }))
    const service = await startService({ JWT_ISSUERS: JSON.stringify(issuers) })
    const ages = () => valuesOf(service, 'cierre_key_set_age_seconds')
    const failures = () => valuesOf(service, 'cierre_key_set_failures_total')
    const outage = async () => (await valuesOf(service, 'cierre_outage'))['keys']
    const isRecent = async (issuer: string) => Number((await ages())[issuer]) < Infinity
    try {
      await until('one is loaded', () => isRecent('https://good.test'))
      await until('one is out', async () => (await outage()) === 1)
      expect((await ages())['https://bad.test']).to.equal(Infinity)
      expect(Object.keys(await ages())).to.have.length(2)
      expect((await failures())['https://good.test']).to.equal(0)
      expect((await failures())['https://bad.test']).to.be.at.least(1)
      isUp = true
      await until('both are loaded', () => isRecent('https://bad.test'))
      expect((await ages())['https://bad.test']).to.be.within(0, 600)
      await until('none is out', async () => (await outage()) === 0)
      const { text } = await service.send({ path: '/metrics' })
      expect(text).not.to.include('a-secret')
    } finally {
      await service.stop()
    }
  })
})
