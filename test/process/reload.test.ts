import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { SignJWT } from 'jose'
import { basic } from '../support/clients.js'
import { publicJwk, type KeyName } from '../support/assertions.js'
import { send, type Sent } from '../support/http.js'
import { runMain, startInstance, type Instance } from '../support/instance.js'
import { plant, saw } from '../support/leaks.js'
import { freePort, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { freshClaims } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'
import {
  issSub,
  publicUrl,
  revokeGlobally,
  transmitter,
  transmitterJwt,
} from '../support/transmitters.js'

const secret = () => plant(randomBytes(48).toString('base64url'))
const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const sign = (key: string) =>
  new SignJWT(freshClaims()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))

describe('SIGHUP takes over changed files without a restart', () => {
  let redis: TestRedis
  let folder: string
  let instance: Instance
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), `${text}\n`)
    return join(folder, name)
  }
  const readAgain = async (line = 'files read again') => {
    const before = instance.output.out.split(line).length
    instance.signal('SIGHUP')
    await until(line, () => instance.output.out.split(line).length > before)
  }
  /** What the last lines on reading files say has changed. */
  const changes = () =>
    instance.output.out
      .split('\n')
      .filter((line) => line.includes('"files read again'))
      .map((line) => (JSON.parse(line) as { changes: string[] }).changes)
      .at(-1)
  const verify = async (key: string) =>
    (
      await send(instance.origin, {
        path: '/api/v1/auth/verify',
        headers: { authorization: `Bearer ${await sign(key)}` },
      })
    ).status
  const position = async (clientSecret: string) =>
    (
      await send(instance.origin, {
        path: feedPath('position'),
        headers: { authorization: basic('api', clientSecret) },
      })
    ).status
  const clients = (clientSecret: string) =>
    JSON.stringify([{ id: 'api', secretSha256: hash(clientSecret), allow: ['feed'] }])
  const transmitters = (key: KeyName) =>
    JSON.stringify([{ ...transmitter, publicKey: publicJwk(key) }])
  const [oldKey, newKey, oldSecret, newSecret] = [secret(), secret(), secret(), secret()]

  before(async () => {
    redis = await startRedis(['--requirepass', 'first'])
    folder = mkdtempSync(join(tmpdir(), 'cierre-files-'))
    instance = await startInstance(await freePort(), {
      JWT_SECRET_FILE: file('key', oldKey),
      CLIENTS_FILE: file('clients', clients(oldSecret)),
      PUBLIC_URL: publicUrl,
      TRANSMITTERS_FILE: file('transmitters', transmitters('rsa')),
      REDIS_URL_FILE: file('redis', redis.url),
    })
  })
  after(async () => {
    saw(instance.output.out + instance.output.err)
    await instance.kill()
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('keys of issuers and secrets of clients: 200 with the new ones, 401 with the old ones', async () => {
    expect([
      await verify(oldKey),
      await verify(newKey),
      await position(oldSecret),
      await position(newSecret),
    ]).to.deep.equal([200, 401, 200, 401])
    const { position: at } = (
      await send(instance.origin, {
        path: feedPath('position'),
        headers: { authorization: basic('api', oldSecret) },
      })
    ).json as { position: string }
    const stream = await fetch(`${instance.origin}${feedPath('events', `from=${at}`)}`, {
      headers: { authorization: basic('api', oldSecret) },
    })
    expect(stream.status).to.equal(200)
    file('key', newKey)
    file('clients', clients(newSecret))
    await readAgain()
    const short = (text: string) => hash(text).slice(0, 8)
    const [issuerChange = '', clientChange = ''] = changes() ?? []
    expect(issuerChange)
      .to.include(`issuer (any) is now: secret sha256:${short(newKey)}, algorithms HS256`)
      .and.to.include(`; it was: secret sha256:${short(oldKey)}, `)
    expect(clientChange).to.equal(
      `client api is now: allow feed, secret sha256:${short(newSecret)}; it was: allow feed, secret sha256:${short(oldSecret)}`,
    )
    await readAgain('files read again: nothing has changed')
    expect(changes()).to.deep.equal([])
    // The stream ends, since its client has to authenticate anew.
    await stream.text()
    expect([
      await verify(oldKey),
      await verify(newKey),
      await position(oldSecret),
      await position(newSecret),
    ]).to.deep.equal([401, 200, 401, 200])
  })

  it('the keys of transmitters: 204 with the new one, 401 with the old one', async () => {
    const statusOf = async (key: KeyName) => {
      const jwt = await transmitterJwt({}, { key })
      const to = { send: (request: Sent) => send(instance.origin, request) }
      return (await revokeGlobally(to, jwt, issSub('a user'))).status
    }
    expect([await statusOf('rsa'), await statusOf('ec')]).to.deep.equal([204, 401])
    file('transmitters', transmitters('ec'))
    await readAgain()
    expect(changes()?.join()).to.match(
      /^transmitter https:\/\/idp\.test is now: EC key sha256:\w+ \(kid ec\), audience https:\/\/cierre\.test\/api\/v1\/auth\/global-token-revocation, .*; it was: RSA key /,
    )
    expect([await statusOf('rsa'), await statusOf('ec')]).to.deep.equal([401, 204])
  })

  it('wrong files change nothing, and the log has their faults', async () => {
    file('key', 'short')
    file('clients', clients(oldSecret))
    await readAgain('files not taken over')
    expect(instance.output.out).to.match(/"faults":\["JWT_SECRET must be at least 32 bytes/)
    expect([await verify(newKey), await position(newSecret)]).to.deep.equal([200, 200])
    file('key', newKey)
    file('clients', clients(newSecret))
    await readAgain()
  })

  it('the password of Redis, for later connections', async () => {
    await redis.client.configSet('requirepass', 'second')
    file('redis', redis.url.replace('first', 'second'))
    await readAgain()
    expect(changes()).to.deep.equal([
      'Redis has another user or password, which later connections use',
    ])
    await redis.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'NORMAL', 'SKIPME', 'YES'])
    await until(
      'it is ready with the other password',
      async () => (await send(instance.origin, { path: '/health/ready' })).status === 200,
    )
    expect(await verify(newKey)).to.equal(200)
  })

  it('the certificate, from the next handshake on', async () => {
    const certify = (name: string) =>
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-keyout',
          join(folder, 'tls.key'),
          '-out',
          join(folder, 'tls.pem'),
          '-days',
          '1',
          '-subj',
          `/CN=${name}`,
        ],
        { stdio: 'ignore' },
      )
    certify('before.test')
    const port = await freePort()
    const { child, output } = runMain({
      env: {
        PORT: String(port),
        TLS_CERT_FILE: join(folder, 'tls.pem'),
        TLS_KEY_FILE: join(folder, 'tls.key'),
      },
    })
    await until('it listens', () => output.out.includes('curl '))
    const name = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        }).on('error', reject)
      })
    expect(await name()).to.equal('before.test')
    certify('after.test')
    child.kill('SIGHUP')
    await until('it has read them', () => output.out.includes('files read again'))
    expect(await name()).to.equal('after.test')
    expect(output.out).to.match(
      /"certificate is now: CN=after\.test, sha256:[0-9a-f]{64}, valid until [^"]+; it was: CN=before\.test, /,
    )
    child.kill('SIGTERM')
  })
})
