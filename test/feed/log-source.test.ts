import { expect } from 'chai'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { createLogSource } from '../../src/feed/log-source.js'
import type { FeedLog } from '../../src/feed/feed-source.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { openStores } from '../../src/store/open.js'
import { appendRevocations } from '../support/many-revocations.js'
import { quietOutages } from '../support/outages.js'
import { until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret } from '../support/tokens.js'

const timeoutMs = 60_000

describe('reading every revocation of a Redis', function () {
  this.timeout(120_000)

  it('is complete although meanwhile more revocations arrive than the feed keeps', async () => {
    const redis = await startRedis(['--appendfsync', 'no'])
    const stores = openStores({
      config: parseConfig({ JWT_SECRET: hmacSecret, REDIS_URL: redis.url }),
      log: pino({ level: 'silent' }),
      now: Date.now,
      observe: () => undefined,
      outages: quietOutages(),
    })
    try {
      await until('connected', () =>
        stores.feed.begin().then(
          () => true,
          () => false,
        ),
      )
      await appendRevocations(redis, 30_000)
      const arriving = { pages: 0, trimmed: false }
      const log: FeedLog = {
        ...stores.feed,
        async *scan() {
          for await (const entries of stores.feed.scan()) {
            yield entries
            arriving.pages += 1
            if (arriving.pages !== 10 && arriving.pages !== 40) continue
            await appendRevocations(redis, 10_000)
            await redis.client.xTrim('cierre:{c}:feed', 'MAXLEN', 15_000)
          }
        },
      }
      const source = createLogSource(log, timeoutMs)
      const inspection = await source.inspect!(undefined)
      const liveSet = createLiveSet(Date.now)
      const { signal } = new AbortController()
      let parts = 0
      const target = { ...liveSet, onPart: () => (parts += 1) }
      const { position, server } = await source.snapshot(target, signal, inspection)
      expect(parts, 'progress').to.equal(arriving.pages)
      expect(arriving.pages, 'both batches arrived meanwhile').to.be.above(40)
      expect(liveSet.size()).to.equal(50_000)
      expect(position).to.equal(await source.tail(signal))
      expect(server?.added).to.equal((await stores.feed.bounds()).added)
      const [tailBefore] = await redis.client.xRange('cierre:{c}:feed', '-', '+', { COUNT: 1 })
      expect(tailBefore!.id > inspection.tail!.id, 'the tail was trimmed meanwhile').to.equal(true)
    } finally {
      await stores.close()
      await redis.stop()
    }
  })
})
