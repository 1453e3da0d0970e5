import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
import { createSecretKey } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { asClient, clientsVariable, secretOf } from '../support/clients.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { createSnapshotReader } from '../../src/feed/snapshot-reader.js'
import { standardMapping } from '../../src/token/claim-mapping.js'
import { verificationKey } from '../../src/token/signature.js'
import { createVerification } from '../../src/token/verification.js'
import { fixedKeySource, secretKeySource } from '../../src/token/key-source.js'
import { parseCanonical } from '../../src/token/canonical-encoding.js'
import { claimKey } from '../../src/token/keys.js'
import type { PublicJwk } from '../../src/token/key-material.js'
import { isRevokedBy } from '../../src/revocation/entry.js'
import type { Vectors } from '../../scripts/vectors.js'
import { until } from '../support/processes.js'
import { startEventRelay } from '../support/event-relay.js'
import { startRelay } from '../support/relay.js'
import { startRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { backchannel } from '../support/asking.js'
import { logoutToken, nowS, token } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'

const vectorsFile = fileURLToPath(new URL('../../generated/vectors.json', import.meta.url))
const program = fileURLToPath(new URL('second.py', import.meta.url))
const vectors = JSON.parse(readFileSync(vectorsFile, 'utf8')) as Vectors
const python = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  spawn('python3', [program, ...args], {
    env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })

describe('the test vectors, and a second implementation of the feed in Python', () => {
  it('the vectors hold for this implementation', async () => {
    for (const { name, token: text, accepted } of vectors.gate) {
      const isAccepted = (() => {
        try {
          const { signingInput, signature } = parseCanonical(text)
          return `${signingInput}.${signature}` === text
        } catch {
          return false
        }
      })()
      expect(isAccepted, name).to.equal(accepted)
    }
    for (const { algorithm, jwk, token: jwt, claims, keys } of vectors.tokens) {
      const source = algorithm.startsWith('HS')
        ? {
            ...secretKeySource([], []),
            candidates: async () => [
              verificationKey(algorithm, createSecretKey(String(jwk['k']), 'base64url')),
            ],
          }
        : fixedKeySource([jwk as PublicJwk])
      const { verify } = createVerification({
        issuers: [
          {
            ...standardMapping,
            algorithms: [algorithm],
            requireExp: true,
            sessionMaxLifetimeS: 1,
            sessionKeys: [],
            backchannelTyp: 'logout+jwt',
            backchannelAllow: [],
            backchannelScope: 'both',
            keys: source,
          },
        ],
        now: () => Number(claims['iat']) * 1000,
        maxClockSkewMs: 0,
        maxTokenLength: 16_384,
      })
      const verified = await verify(jwt)
      expect([verified.claims, verified.keys], algorithm).to.deep.equal([claims, keys])
    }
    for (const { kind, iss, claim, key } of vectors.keys)
      expect(claimKey(kind as 's', iss, claim) ?? null).to.equal(key)
    for (const { kind, iss, json, key } of vectors.numbers)
      expect(claimKey(kind as 'u', iss, JSON.parse(json)) ?? null, json).to.equal(key)
    const liveSet = createLiveSet(() => 1_795_000_000_000)
    const reader = createSnapshotReader(liveSet)
    reader.write(Buffer.from(vectors.snapshot.base64, 'base64'))
    expect(reader.end()).to.equal(vectors.snapshot.position)
    for (const { key, cutoff } of vectors.snapshot.entries)
      expect(liveSet.find(key)).to.equal(cutoff ?? 1)
    for (const { name, entries, token: jwt, revoked } of vectors.checks) {
      const held = createLiveSet(() => 1_795_000_000_000)
      entries.forEach(held.add)
      const { keys, claims } = vectors.tokens.find((vector) => vector.token === jwt)!
      const isRevoked = Object.values(keys).some((key) =>
        isRevokedBy(key as 't:', held.find(key as 't:'), claims['iat']),
      )
      expect(isRevoked, name).to.equal(revoked)
    }
  })

  it('the vectors hold for the client in Python', async () => {
    const child = python(['vectors', vectorsFile])
    let said = ''
    child.stdout.on('data', (text: Buffer) => (said += text.toString()))
    const [code] = (await once(child, 'exit')) as [number]
    expect([code, said.split(' ')[0]], said).to.deep.equal([0, 'ok'])
  })

  it('the client in Python follows a live feed, through a gap and a new instance', async () => {
    const redis = await startRedis()
    let service = await startService({
      CLIENTS: clientsVariable,
      REDIS_URL: redis.url,
      JWT_BACKCHANNEL_AUDIENCE: 'app',
    })
    const port = Number(new URL(service.origin).port)
    const child = python(['follow', service.origin, 'all'], { CLIENT_SECRET: secretOf('all') })
    try {
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const nextLine = async () => String((await lines.next()).value)
      const ask = async (jwt: string) => {
        child.stdin.write(`${jwt}\n`)
        return nextLine()
      }
      expect(await nextLine()).to.equal('fresh')
      for (let one = 0; one < 20; one += 1) {
        const jwt = await token(one % 2 === 0 ? { sid: undefined } : {})
        expect(await ask(jwt)).to.equal('active')
        expect((await service.logout(jwt)).status).to.equal(200)
        await until('it knows', async () => (await ask(jwt)) === 'revoked')
      }
      expect(await ask('A.AA.AA')).to.equal('malformed')

      const [sessionless, phone] = [
        await token({ sub: 'eve', sid: undefined }),
        await token({ sub: 'eve' }),
      ]
      const said = await logoutToken({ sub: 'eve', iat: nowS(1) })
      expect((await backchannel(service, said)).status).to.equal(200)
      await until('it knows', async () => (await ask(sessionless)) === 'revoked')
      expect(await ask(phone), 'another session').to.equal('active')

      const behindItsBack = await token()
      const other = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
      await service.stop()
      expect((await other.logout(behindItsBack)).status).to.equal(200)
      expect((await other.logout(await token())).status).to.equal(200)
      await redis.client.xTrim('cierre:{c}:feed', 'MAXLEN', 1)
      await other.stop()
      service = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url }, { port })
      await until('it has found out', async () => (await ask(behindItsBack)) === 'revoked')
      await until('it can tell again', async () => (await ask(await token())) === 'active')
      expect(
        (await service.send({ path: feedPath('position'), headers: asClient() })).status,
      ).to.equal(200)
    } finally {
      child.kill('SIGKILL')
      await service.stop()
      await redis.stop()
    }
  })

  /** Starts the client in Python, which follows the feed and is stale after `freshS`. */
  async function followInPython(origin: string, freshS: number) {
    const child = python(['follow', origin, 'all'], {
      CLIENT_SECRET: secretOf('all'),
      FRESH_S: String(freshS),
    })
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const nextLine = async () => String((await lines.next()).value)
    expect(await nextLine()).to.equal('fresh')
    return {
      ask: async (jwt: string) => {
        child.stdin.write(`${jwt}\n`)
        return nextLine()
      },
      stop: () => void child.kill('SIGKILL'),
    }
  }

  it('the client in Python notices an event that a relay has lost', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    let seen = 0
    const relay = await startEventRelay(service.origin, () => ((seen += 1) === 2 ? 'lose' : 'pass'))
    const client = await followInPython(relay.origin, 5)
    try {
      const tokens = [await token(), await token(), await token()]
      for (const jwt of tokens) expect((await service.logout(jwt)).status).to.equal(200)
      for (const jwt of tokens)
        await until('it knows', async () => (await client.ask(jwt)) === 'revoked')
    } finally {
      client.stop()
      await relay.stop()
      await service.stop()
    }
  })

  it('the client in Python is stale with too old a version or an unknown kind of event; it skips informational events', async () => {
    const redis = await startRedis()
    const service = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
    let isOld = false
    const relay = await startRelay(Number(new URL(service.origin).port), () => isOld)
    // The first client is not stale by time within an hour, only by an answer.
    const first = await followInPython(relay.origin, 3_600)
    const second = await followInPython(relay.origin, 5)
    try {
      const jwt = await token()
      expect(await first.ask(jwt)).to.equal('active')
      isOld = true
      await until('it says that it cannot tell', async () => (await first.ask(jwt)) === 'unknown')
      isOld = false
      await until('it can tell again', async () => (await first.ask(jwt)) === 'active')

      const { ask } = second
      await until('the other can tell again', async () => (await ask(jwt)) === 'active')
      await redis.client.xAdd('cierre:{c}:feed', '*', { k: 'info-of-the-future', x: 'y' })
      const revoked = await token()
      expect((await service.logout(revoked)).status).to.equal(200)
      await until('it knows', async () => (await ask(revoked)) === 'revoked')
      await redis.client.xAdd('cierre:{c}:feed', '*', { k: `z:${'A'.repeat(22)}`, u: '', c: '1' })
      await until('it cannot tell', async () => (await ask(jwt)) === 'unknown')
      expect(await ask(revoked)).to.equal('revoked')
    } finally {
      first.stop()
      second.stop()
      await relay.stop()
      await service.stop()
      await redis.stop()
    }
  })
})
