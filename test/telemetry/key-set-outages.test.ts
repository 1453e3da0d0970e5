import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'

describe('the outage of a key set', () => {
  const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  let isUp = false
  const server = createServer((_request, response) => {
    if (isUp) response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'one' }] }))
    else response.writeHead(502).end()
  })
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('one line when it begins and one when it ends, with address, cause and failed fetches, for each key set', async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const issuers = ['one', 'two'].map((issuer) => ({
      issuer,
      jwksUri: `${origin}/realms/${issuer}?key=a-secret-of-the-query`,
    }))
    const service = await startService({ JWT_ISSUERS: JSON.stringify(issuers) })
    const lines = (msg: string) => service.logged().filter((line) => line['msg'] === msg)
    try {
      await until('both begin', () => lines('key set not loaded').length >= 2)
      isUp = true
      await until('both are over', () => lines('over: key set not loaded').length === 2)
      const all = service.logged().filter(({ outage }) => outage === 'keys')
      expect(all).to.have.length(4)
      for (const { address, cause } of all) {
        expect(address).to.be.oneOf(issuers.map(({ issuer }) => `${origin}/realms/${issuer}`))
        expect(cause).to.equal('answered 502')
      }
      for (const { failed } of lines('over: key set not loaded'))
        expect((failed as Record<string, number>)['fetches']).to.be.at.least(1)
      expect(await service.isReady()).to.equal(true)
    } finally {
      await service.stop()
    }
  })
})
