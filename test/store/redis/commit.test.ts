import { expect } from 'chai'
import fc from 'fast-check'
import { pino } from 'pino'
import { parseConfig } from '../../../src/config/config.js'
import type { Entry } from '../../../src/revocation/entry.js'
import { openStores } from '../../../src/store/open.js'
import { decodeReplies, encodeCommits } from '../../../src/store/redis/commit.js'
import { RedisRefusal, SessionsRefusal } from '../../../src/revocation/store-errors.js'
import type { Stores } from '../../../src/store/stores.js'
import { commitOf } from '../../../src/revocation/commit.js'
import type { RevocationKey } from '../../../src/token/keys.js'
import { quietOutages } from '../../support/outages.js'
import { until } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { hmacSecret } from '../../support/tokens.js'

describe('the set only grows', () => {
  let redis: TestRedis
  let instances: Stores[]
  const open = (url: string, now: () => number = Date.now) =>
    openStores({
      config: parseConfig({ JWT_SECRET: hmacSecret, REDIS_URL: url }),
      log: pino({ level: 'silent' }),
      now,
      observe: () => undefined,
      outages: quietOutages(),
    })

  const connected = ({ checkHealth }: Stores) =>
    until('connected', () =>
      checkHealth().then(
        () => true,
        () => false,
      ),
    )

  before(async () => {
    redis = await startRedis()
    instances = [open(redis.url), open(redis.url)]
    for (const instance of instances) await connected(instance)
  })
  after(async () => {
    for (const instance of instances) await instance.close()
    await redis.stop()
  })

  const write = fc.record({
    instance: fc.nat(1),
    key: fc.constantFrom('t', 's', 'u').map((kind) => `${kind}:AAAAAAAAAAAAAAAAAAAAA` as const),
    // Far enough apart that the duration of the writes does not matter.
    lifeS: fc.option(fc.integer({ min: 1, max: 50 }).map((steps) => steps * 1000)),
    cutoff: fc.nat(1_000_000),
  })
  let run = 0

  it('property: a shorter expiry or an earlier cutoff that any instance writes later changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (writes, together) => {
          run += 1
          const now = Date.now()
          const entries = writes.map(({ key, lifeS, cutoff, instance }) => ({
            instance,
            entry: {
              key: `${key}${String(run).padStart(6, 'A')}` as RevocationKey,
              untilMs: lifeS === null ? null : now + lifeS * 1000,
              ...(key.startsWith('u:') && { cutoff }),
            } satisfies Entry,
          }))
          const commits = entries.map(
            ({ instance, entry }) =>
              () =>
                instances[instance]!.revocations.commit(commitOf([entry])),
          )
          if (together) await Promise.all(commits.map((commit) => commit()))
          else for (const commit of commits) await commit()
          for (const key of new Set(entries.map(({ entry }) => entry.key))) {
            const same = entries.flatMap(({ entry }) => (entry.key === key ? [entry] : []))
            const longest = same.some(({ untilMs }) => untilMs === null)
              ? null
              : Math.max(...same.map(({ untilMs }) => untilMs ?? 0))
            const leftMs = await redis.client.pTTL(`cierre:{c}:${key}`)
            if (longest === null) expect(leftMs).to.equal(-1)
            else
              expect(leftMs).to.be.within(
                longest - Date.now() - 2_000,
                longest - Date.now() + 2_000,
              )
            const [mark] = await instances[0]!.revocations.read([key])
            expect(mark).to.equal(
              key.startsWith('u:') ? Math.max(...same.map(({ cutoff }) => cutoff ?? 0)) : 1,
            )
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('appends one event per entry to a feed that begins with a genesis event, in the same commit', async () => {
    const events = await redis.client.xRange('cierre:{c}:feed', '-', '+')
    expect(events[0]?.message).to.deep.equal({ k: 'genesis' })
    const before = events.length
    await instances[0]!.revocations.commit(
      commitOf([
        { key: 't:BBBBBBBBBBBBBBBBBBBBBB', untilMs: 5_000_000_000_000 },
        { key: 'u:BBBBBBBBBBBBBBBBBBBBBB', untilMs: null, cutoff: 7 },
      ]),
    )
    const after = await redis.client.xRange('cierre:{c}:feed', '-', '+')
    const expiresMs = await redis.client.pExpireTime('cierre:{c}:t:BBBBBBBBBBBBBBBBBBBBBB')
    expect(expiresMs, 'by the clock that is behind').to.be.within(5e12, 5e12 + 1_000)
    expect(after.slice(before).map(({ message }) => message)).to.deep.equal([
      { k: 't:BBBBBBBBBBBBBBBBBBBBBB', u: String(expiresMs), c: '1' },
      { k: 'u:BBBBBBBBBBBBBBBBBBBBBB', u: '', c: '7' },
    ])
  })

  it('stores an entry that expired long ago, and its event can be read', async () => {
    await instances[0]!.revocations.commit(
      commitOf([{ key: 't:BBBBBBBBBBBBBBBBBBBBBA', untilMs: -40_000 }]),
    )
    const { key, untilMs } = (await instances[0]!.feed.tail())!.entry!
    expect(key).to.equal('t:BBBBBBBBBBBBBBBBBBBBBA')
    expect(untilMs, 'soon').to.be.within(Date.now() - 10_000, Date.now() + 1_000)
  })

  it('no event for what is there already, or lives longer by up to a second', async () => {
    const untilMs = Date.now() + 100_000
    const [t, u]: RevocationKey[] = ['t:EEEEEEEEEEEEEEEEEEEEEA', 'u:EEEEEEEEEEEEEEEEEEEEEA']
    const eventsOf = async (entry: Entry) => {
      const before = await redis.client.xLen('cierre:{c}:feed')
      // In turn by two instances, as they write back after an outage.
      for (const { revocations } of instances) await revocations.commit(commitOf([entry]))
      return (await redis.client.xLen('cierre:{c}:feed')) - before
    }
    expect(await eventsOf({ key: t!, untilMs })).to.equal(1)
    expect(await eventsOf({ key: t!, untilMs: untilMs - 50_000 })).to.equal(0)
    expect(await eventsOf({ key: t!, untilMs: untilMs + 900 })).to.equal(0)
    expect(await eventsOf({ key: t!, untilMs: untilMs + 1_200 })).to.equal(1)
    expect(await eventsOf({ key: t!, untilMs: null })).to.equal(1)
    expect(await eventsOf({ key: t!, untilMs })).to.equal(0)
    expect(await eventsOf({ key: u!, untilMs, cutoff: 70 })).to.equal(1)
    expect(await eventsOf({ key: u!, untilMs, cutoff: 69 })).to.equal(0)
    expect(await eventsOf({ key: u!, untilMs, cutoff: 71 })).to.equal(1)
  })

  it('no entry ends before its time while the clocks of instance and Redis differ a little', async () => {
    for (const aheadMs of [-50_000, 50_000]) {
      const key: RevocationKey = `t:DDDDDDDDDDDDDDDDDDDD${aheadMs < 0 ? 'A' : 'Q'}g`
      const untilMs = Date.now() + 100_000
      const instance = open(redis.url, () => Date.now() + aheadMs)
      try {
        await connected(instance)
        await instance.revocations.commit(commitOf([{ key, untilMs }]))
        const scanned: Entry[] = []
        for await (const entries of instance.feed.scan()) scanned.push(...entries)
        const found = scanned.find((entry) => entry.key === key)
        const expiresMs = await redis.client.pExpireTime(`cierre:{c}:${key}`)
        expect(expiresMs).to.be.at.least(untilMs - 1)
        expect(found?.untilMs, 'of the scan').to.be.at.least(expiresMs)
        expect((await instance.feed.tail())?.entry?.untilMs, 'of the event').to.equal(expiresMs)
      } finally {
        await instance.close()
      }
    }
  })

  it('throws on a value that cierre did not write, instead of reading it as "not revoked"', async () => {
    await redis.client.set('cierre:{c}:u:CCCCCCCCCCCCCCCCCCCCCA', 'not a cutoff')
    const failureOf = (asking: Promise<unknown>) =>
      asking.then(
        () => undefined,
        (error: unknown) => error,
      )
    const failure = await failureOf(instances[0]!.revocations.read(['u:CCCCCCCCCCCCCCCCCCCCCA']))
    expect(failure).to.have.property('code', 'store_unavailable')
    const scanning = async () => {
      for await (const entries of instances[0]!.feed.scan()) expect(entries).to.be.an('array')
    }
    expect(await failureOf(scanning())).to.have.property(
      'message',
      'the value under cierre:{c}:u:CCCCCCCCCCCCCCCCCCCCCA is not one that cierre wrote',
    )
    await redis.client.del('cierre:{c}:u:CCCCCCCCCCCCCCCCCCCCCA')
  })
})

describe('the arguments and the replies of the commit script', () => {
  const nowMs = 1_000_000

  it('one argument for the numbers of a commit, one for its event, one for each entry', () => {
    const full = commitOf(
      [
        { key: 's:S', untilMs: nowMs + 1_500.2 },
        { key: 'u:U', untilMs: null, cutoff: 77 },
      ],
      {
        auditEvent: '{}',
        sessionKeysToDelete: ['sess:1'],
        preconditions: {
          keys: ['t:T', 's:S'],
          issuedAtS: 7.5,
          untilMs: null,
          isKnownRevoked: true,
        },
        rateLimit: { key: 'limit:u:U', requests: 30, windowMs: 60_000 },
      },
    )
    const past = commitOf([{ key: 't:P', untilMs: -5 }])
    expect(encodeCommits([full, past], 'p:')).to.deep.equal({
      keys: ['p:limit:u:U', 'p:t:T', 'p:s:S', 'p:s:S', 'p:u:U', 'sess:1', 'p:t:P'],
      args: ['1 2 2 1 30 60000 1 7.5', '{}', '1001501 1', ' 77', '0 0 1 0 0 0 0 ', '', '0 1'],
    })
  })

  it('three values for each commit; a first value that is no outcome is the first word of an error', () => {
    const reply = ['stored', 3, 500, 'already_revoked', -1, 0, 'OOM', 1, 500, 'SESSIONS', -1, 0]
    const [stored, revoked, full, sessions] = decodeReplies(reply)
    expect(stored).to.deep.equal({ outcome: 'stored', counted: { count: 3, leftMs: 500 } })
    expect(revoked).to.deep.equal({ outcome: 'already_revoked', counted: undefined })
    expect(full)
      .to.have.property('error')
      .that.is.instanceOf(RedisRefusal)
      .with.property('word', 'OOM')
    expect(sessions).to.have.property('error').that.is.instanceOf(SessionsRefusal)
  })
})
