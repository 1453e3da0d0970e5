import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { ConfigError, parseConfig } from '../../../src/config/config.js'
import { makeCertificates } from '../../support/certificates.js'
import { openCierre } from '../../support/embedded.js'
import { freePort, until } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { startService } from '../../support/service.js'
import { hmacSecret, token } from '../../support/tokens.js'

describe('a Redis that demands client certificates', () => {
  const { certify, file, remove } = makeCertificates()
  let redis: TestRedis
  let url: string

  before(async () => {
    certify('authority')
    for (const name of ['server', 'client']) certify(name, 'authority')
    certify('stranger')
    const port = await freePort()
    url = `rediss://127.0.0.1:${port}`
    redis = await startRedis([
      ...['--tls-port', String(port), '--tls-auth-clients', 'yes'],
      ...['--tls-cert-file', file('server.pem'), '--tls-key-file', file('server.key')],
      ...['--tls-ca-cert-file', file('authority.pem')],
    ])
  })
  after(async () => {
    await redis.stop()
    remove()
  })
  const filesOf = (name: string) => ({
    REDIS_CERT_FILE: file(`${name}.pem`),
    REDIS_KEY_FILE: file(`${name}.key`),
  })
  const variables = () => ({ REDIS_URL: url, REDIS_CA_FILE: file('authority.pem') })

  it('200 with the certificate of REDIS_CERT_FILE, for each connection, and the revocation is stored', async () => {
    const service = await startService({
      ...variables(),
      ...filesOf('client'),
      SESSION_KEYS: 's:{sid}',
    })
    try {
      await until('ready', () => service.isReady())
      const jwt = await token()
      expect((await service.logout(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(401)
      expect(await redis.dump()).to.match(/^cierre:\{c\}:s:/m)
    } finally {
      await service.stop()
    }
  })

  it('500, and not ready, without a certificate and with that of a stranger', async () => {
    for (const files of [{}, filesOf('stranger')]) {
      const service = await startService({ ...variables(), ...files }, { waitForStore: false })
      try {
        await service.firstAttempts()
        expect(await service.isReady()).to.equal(false)
        expect((await service.logout(await token())).status).to.equal(500)
        const begun = (outage: string) =>
          service
            .logged()
            .filter((line) => line['outage'] === outage && line['msg'] === 'cannot reach Redis')
        // The first attempt of a connection may still be under way.
        for (const outage of ['store', 'feed'])
          await until(`${outage}: it is logged`, () => begun(outage).length > 0)
        expect([begun('store').length, begun('feed').length]).to.deep.equal([1, 1])
        expect(service.logged().map(({ msg }) => msg)).not.to.include('redis connected')
      } finally {
        await service.stop()
      }
    }
  })

  it('200 inside an app, by redis.certFile and redis.keyFile', async () => {
    const { REDIS_CERT_FILE: certFile, REDIS_KEY_FILE: keyFile } = filesOf('client')
    const cierre = openCierre({ redis: { url, caFile: file('authority.pem'), certFile, keyFile } })
    try {
      await cierre.ready()
    } finally {
      await cierre.close()
    }
  })

  it('faults: one file without the other, a key that is another’s, files that are none, an URL without TLS', () => {
    const faultsOf = (env: Record<string, string>) => {
      try {
        parseConfig({ JWT_SECRET: hmacSecret, ...variables(), ...env })
        return []
      } catch (error) {
        return (error as ConfigError).faults
      }
    }
    const client = filesOf('client')
    writeFileSync(file('none'), 'none')
    expect(faultsOf(client)).to.deep.equal([])
    const both = 'REDIS_CERT_FILE and REDIS_KEY_FILE'
    expect(faultsOf({ ...client, REDIS_KEY_FILE: '' })).to.deep.equal([
      `${both} must be set together`,
    ])
    expect(faultsOf({ ...client, REDIS_KEY_FILE: file('server.key') })).to.deep.equal([
      `${both} must hold a PEM certificate and the private key that belongs to it`,
    ])
    expect(faultsOf({ REDIS_CERT_FILE: file('none'), REDIS_KEY_FILE: file('none') })).to.deep.equal(
      ['REDIS_CERT_FILE holds no PEM certificate', 'REDIS_KEY_FILE holds no PEM private key'],
    )
    expect(faultsOf({ ...client, REDIS_URL: 'redis://127.0.0.1:1' })).to.deep.equal([
      `${both} need a rediss:// URL`,
    ])
  })
})
