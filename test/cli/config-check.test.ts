import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { clientsVariable, secretOf } from '../support/clients.js'
import { runMain } from '../support/instance.js'
import { plant, saw } from '../support/leaks.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { rsa, token } from '../support/tokens.js'

describe('cierre config check (as built into dist/)', () => {
  let redis: TestRedis
  let issuer: { origin: string; close(): void }
  const secret = plant(randomBytes(48).toString('base64url'))
  const password = plant(randomBytes(24).toString('base64url'))
  before(async () => {
    redis = await startRedis(['--requirepass', password])
    const keys = [
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k' },
      { kty: 'oct', k: 'x' },
    ]
    const server = createServer((request, response) => {
      const isThere = request.url?.startsWith('/jwks')
      response.writeHead(isThere ? 200 : 404).end(JSON.stringify({ keys }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    issuer = { origin: `http://127.0.0.1:${port}`, close: () => void server.close() }
  })
  after(async () => {
    issuer.close()
    await redis.stop()
  })

  async function check(env: Record<string, string>) {
    const { child, output } = runMain({ args: ['config', 'check'], env })
    const [code] = (await once(child, 'close')) as [number]
    saw(output.out + output.err)
    expect(output.err).to.equal('')
    return { code, out: output.out }
  }
  const good = () => ({ REDIS_URL: redis.url, JWT_SECRET: secret, JWT_AUDIENCE: 'api' })

  it('0: says what it found, prints no secret, and writes nothing', async () => {
    const sha = createHash('sha256').update(secret).digest('hex').slice(0, 8)
    const { code, out } = await check({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([
        { issuer: 'https://a.test', secret, audience: 'api' },
        { issuer: 'https://b.test', jwksUri: `${issuer.origin}/jwks?key=hidden`, typ: 'at+jwt' },
      ]),
      PUBLIC_URL: 'https://cierre.test',
      TRANSMITTERS: JSON.stringify([
        {
          issuer: 'https://idp.test',
          jwksUri: `${issuer.origin}/jwks-of-idp`,
          allow: ['gtr'],
          tokenIssuers: ['https://a.test'],
        },
      ]),
    })
    expect(code, out).to.equal(0)
    for (const line of [
      `issuer https://a.test: secret sha256:${sha}, audience api, algorithms HS256,`,
      `issuer https://b.test: key set ${issuer.origin}/jwks, typ at+jwt, algorithms `,
      `transmitter https://idp.test: key set ${issuer.origin}/jwks-of-idp, audience https://cierre.test/api/v1/auth/global-token-revocation, algorithms `,
      `key set ${issuer.origin}/jwks-of-idp: 1 keys that verify`,
      'client powerless: allow feed, secret sha256:',
      `store redis://127.0.0.1:${redis.port}: Redis `,
      '; no data of cierre yet\n',
      `key set ${issuer.origin}/jwks: 1 keys that verify; unused: without kid, holds a symmetric key`,
      'nothing wrong was found\n',
    ])
      expect(out).to.include(line)
    expect(out).not.to.include('hidden').and.not.to.include(secretOf('all').slice(0, 12))
    expect(await redis.dump(), 'no layout, no feed').to.equal('')
    expect(await redis.client.dbSize()).to.equal(0)
  })

  it('0: beside a running service, whose data it leaves as they are', async () => {
    const service = await startService({ REDIS_URL: redis.url })
    try {
      expect((await service.logout(await token())).status).to.equal(200)
      const before = await redis.dump()
      const { code, out } = await check(good())
      expect([code, out.includes('; layout 2, 1 audit events\n')], out).to.deep.equal([0, true])
      expect(await redis.dump()).to.equal(before)
    } finally {
      await service.stop()
    }
  })

  it('1: every fault of the environment, and variables that are not known', async () => {
    const { code, out } = await check({ JWT_SECRET: 'short', PORT: 'x', JWT_ISSUR: 'y' })
    expect([code, out]).to.deep.equal([1, out])
    expect(out.match(/^wrong: /gm)).to.have.length(3)
    expect(out).to.include(
      'warning: a variable is not known: JWT_ISSUR; did you mean JWT_ISSUER?\n',
    )
    expect(out).to.match(/\nsomething is wrong\n$/)
  })

  it('1: a store or key set that fails, with its reason and without its secrets', async () => {
    const cases: [string, Record<string, string>, RegExp][] = [
      ['nothing listens', { REDIS_URL: 'redis://127.0.0.1:1' }, /store .*failed: .*ECONNREFUSED/],
      [
        'a wrong password',
        { REDIS_URL: redis.url.replace(password, 'wrong') },
        /store redis:\/\/127[^@]*failed: .*WRONGPASS/,
      ],
      ['another server', { REDIS_URL: `${issuer.origin.replace('http', 'redis')}` }, /failed: /],
      [
        'a key set that is not there',
        { JWT_SECRET: '', JWT_JWKS_URI: `${issuer.origin}/nowhere` },
        /key set .*\/nowhere: failed: answered 404/,
      ],
      [
        'session data elsewhere',
        { SESSION_REDIS_URL: 'redis://127.0.0.1:1', SESSION_KEYS: 'sess:{sid}' },
        /session data redis:\/\/127\.0\.0\.1:1: failed/,
      ],
    ]
    for (const [name, env, reason] of cases) {
      const { code, out } = await check({ ...good(), ...env })
      expect([code, reason.test(out)], `${name}: ${out}`).to.deep.equal([1, true])
    }
  })

  it('1: a Redis that evicts, has a newer layout, forbids a command or does not answer', async () => {
    const failing: [string, () => Promise<unknown>, () => Promise<unknown>, RegExp][] = [
      [
        'eviction',
        () => redis.client.configSet('maxmemory-policy', 'allkeys-lru'),
        () => redis.client.configSet('maxmemory-policy', 'noeviction'),
        /maxmemory-policy is not noeviction/,
      ],
      [
        'layout',
        () => redis.client.set('cierre:{c}:layout', '99'),
        () => redis.client.del('cierre:{c}:layout'),
        /Redis holds layout 99, and this instance knows up to 2/,
      ],
      [
        'permission',
        () => redis.client.sendCommand(['ACL', 'SETUSER', 'default', '-xadd']),
        () => redis.client.sendCommand(['ACL', 'SETUSER', 'default', '+xadd']),
        /failed: redis answered/,
      ],
      [
        'silence',
        async () => redis.pause(),
        async () => redis.resume(),
        /failed: no answer within/,
      ],
    ]
    for (const [name, breakIt, mend, reason] of failing) {
      await breakIt()
      const { code, out } = await check(good())
      await mend()
      expect([code, reason.test(out)], `${name}: ${out}`).to.deep.equal([1, true])
    }
  })
})
