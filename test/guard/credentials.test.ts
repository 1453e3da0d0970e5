import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { askIntrospection, createGuard } from '../../src/guard.js'
import { startAgent } from '../support/agent.js'
import { privatePem, publicJwk } from '../support/assertions.js'
import { runMain } from '../support/instance.js'
import { plant, saw } from '../support/leaks.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { ec, hmacSecret, token } from '../support/tokens.js'

const audience = 'https://auth.example.com'
const issuers = [{ issuer: 'https://issuer.test', secret: hmacSecret }]

describe('a private key in the place of a client secret', function () {
  this.timeout(60_000)
  let service: TestService
  let folder: string
  let made: string
  const keyFile = () => join(folder, 'client-key.pem')
  const run = async (args: string[], env: Record<string, string> = {}) => {
    const { child, output } = runMain({
      args,
      env: {
        CIERRE_URL: service.origin,
        CIERRE_CLIENT_ID: 'made',
        CIERRE_CLIENT_KEY_FILE: keyFile(),
        CIERRE_AUDIENCE: audience,
        ...env,
      },
    })
    const [code] = (await once(child, 'close')) as [number]
    saw(output.out + output.err)
    return { code, ...output }
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cierre-key-'))
    const { child, output } = runMain({
      args: ['client', '--id', 'made', '--allow', 'revoke,audit,feed', '--key-file', keyFile()],
      env: {},
    })
    await once(child, 'close')
    made = output.out
    const entry: unknown = JSON.parse(/^ {2}(\{.*\})$/m.exec(made)?.[1] ?? 'null')
    service = await startService({
      PUBLIC_URL: audience,
      CLIENTS: JSON.stringify([
        entry,
        { id: 'guard', jwks: publicJwk('ec'), allow: ['feed', 'introspect'] },
      ]),
    })
  })
  after(async () => {
    await service.stop()
    rmSync(folder, { recursive: true })
  })

  it('cierre client --key-file writes a new key that only its owner can read, and never replaces one', async () => {
    plant(readFileSync(keyFile(), 'utf8'))
    saw(made)
    expect(statSync(keyFile()).mode & 0o777).to.equal(0o600)
    expect(made).to.include(`The private key is in ${keyFile()}.`)
    const again = await run(['client', '--id', 'x', '--allow', 'feed', '--key-file', keyFile()])
    expect([again.code, again.out]).to.deep.equal([2, ''])
    expect(again.err).to.match(/cannot be written to a new file .* \(EEXIST\)/)
  })

  for (const [form, key] of [
    ['PEM', privatePem('ec')],
    ['a JWK', { ...ec['ES256']?.privateKey.export({ format: 'jwk' }), kid: 'ec' }],
  ] as const)
    it(`a guard follows the feed with ${form}`, async () => {
      const feed = { url: service.origin, clientId: 'guard', clientPrivateKey: key, audience }
      const guard = createGuard({ issuers, feed })
      try {
        await guard.ready(30_000)
        const jwt = await token()
        expect((await guard.check(`Bearer ${jwt}`)).sub).to.be.a('string')
        expect((await service.logout(jwt)).status).to.equal(200)
        await until('the guard refuses it', () =>
          guard.check(`Bearer ${jwt}`).then(
            () => false,
            () => true,
          ),
        )
      } finally {
        await guard.close()
      }
    })

  it('askIntrospection asks with it', async () => {
    const client = { url: service.origin, clientId: 'guard', audience }
    const ask = askIntrospection({
      ...client,
      clientPrivateKey: privatePem('ec'),
      timeoutMs: 60_000,
    })
    const jwt = await token()
    const question = { token: jwt, claims: {}, why: 'stale' } as const
    expect([await ask(question), await ask(question)]).to.deep.equal(['active', 'active'])
    await service.logout(jwt)
    expect(await ask(question)).to.equal('revoked')
  })

  it('a guard whose audience is not PUBLIC_URL is refused, and told so', async () => {
    const feed = {
      url: service.origin,
      clientId: 'guard',
      clientPrivateKey: privatePem('ec'),
    }
    const guard = createGuard({ issuers, feed })
    try {
      const error = await guard.ready(30_000).catch((error: unknown) => error)
      expect((error as Error).message).to.match(
        /answered 401: .*with a private key, audience must be the PUBLIC_URL/,
      )
    } finally {
      await guard.close()
    }
  })

  it('a wrong key, and a key beside a secret, are refused when the guard is made', () => {
    const parts = { url: 'https://auth.example.com', clientId: 'guard' }
    const faultOf = (more: object) => {
      try {
        createGuard({ issuers, feed: { ...parts, ...more } })
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(faultOf({ clientPrivateKey: 'secret', audience: 7 })).to.equal(
      'feed.clientPrivateKey must be a private key as PEM or JWK, without a passphrase\nfeed.audience must be a string that is not empty',
    )
    expect(faultOf({ clientPrivateKey: privatePem('ec'), clientSecret: 'x' })).to.equal(
      'feed.clientPrivateKey stands instead of a client secret, not beside',
    )
  })

  it('the agent follows the feed with CIERRE_CLIENT_KEY_FILE', async () => {
    const agent = await startAgent(service.origin, {
      CIERRE_CLIENT_ID: 'made',
      CIERRE_CLIENT_SECRET: '',
      CIERRE_CLIENT_KEY_FILE: keyFile(),
      CIERRE_AUDIENCE: audience,
    })
    try {
      const authorization = `Bearer ${await token()}`
      await until('the agent accepts a token', async () => {
        const { status } = await fetch(`${agent.origin}/`, { headers: { authorization } })
        return status === 200
      })
    } finally {
      await agent.stop()
    }
  })

  it('the command line revokes and audits with it: each request has an assertion of its own', async () => {
    const revoke = () => run(['revoke', '--sub', 'eve', '--no-iss', '--reason', 'admin'])
    for (const { code, err } of [await revoke(), await revoke()])
      expect([code, err]).to.deep.equal([0, ''])
    const audit = await run(['audit', '--last', '2'])
    expect([audit.code, audit.out.match(/by made/g)?.length]).to.deep.equal([0, 2])
    const both = await run(['audit'], { CIERRE_CLIENT_SECRET: 'x' })
    expect([both.code, both.err]).to.deep.equal([
      2,
      'only one of CIERRE_CLIENT_SECRET and CIERRE_CLIENT_KEY_FILE may be set\n',
    ])
    const missing = await run(['audit'], { CIERRE_CLIENT_KEY_FILE: '/nowhere' })
    expect(missing.err).to.equal(
      'CIERRE_CLIENT_KEY_FILE names a file that cannot be read (ENOENT)\n',
    )
  })
})
