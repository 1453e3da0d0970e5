// Stores revocations of the sessions `fill-I` … `fill-(I+COUNT−1)` of an issuer, to see how cierre
// does with many of them. The i-th expires `1 + (i mod days)` days from now.
//
//   REDIS_URL=redis://… node --import tsx scripts/bench/fill.ts COUNT [--first I] [--days 30]
//     [--issuer https://issuer.test] [--rate R]
//
// Without `--rate` they are stored in bulk and without events: only an instance that starts
// afterwards knows them. With it they are stored as a logout stores them, R a second. The last line
// is JSON: how many were stored, and in how many seconds.
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pino from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { commitOf } from '../../src/revocation/commit.js'
import { clockOf } from '../../src/runtime/clock.js'
import { withDeadline } from '../../src/runtime/deadline.js'
import { feedKey, keyPrefix } from '../../src/store/names.js'
import { openStores } from '../../src/store/open.js'
import { openLinks } from '../../src/store/redis/links.js'
import { runScript, type Script } from '../../src/store/redis/scripts.js'
import { createOutages } from '../../src/telemetry/outages.js'
import { claimKey, type RevocationKey } from '../../src/token/keys.js'

const dayMs = 86_400_000
const withinMs = 60_000
const bulkEntries = 2_000
const bulksInFlight = 4

/** Keys come as one text of 22 characters each: as arguments they would cost most of the time. */
const bulkText = `
local prefix, keys, first, days = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 0, #keys / 22 - 1 do
  local key = prefix .. string.sub(keys, i * 22 + 1, i * 22 + 22)
  local ttlMs = (1 + (first + i) % days) * ${dayMs}
  if not redis.call('SET', key, 1, 'PX', ttlMs, 'NX') then
    local leftMs = redis.call('PTTL', key)
    if leftMs >= 0 and leftMs < ttlMs then redis.call('PEXPIRE', key, ttlMs) end
  end
end`
const bulkScript: Script = {
  text: bulkText,
  digest: createHash('sha1').update(bulkText).digest('hex'),
}

type Filling = Readonly<{
  count: number
  first: number
  days: number
  issuer: string
  rate: number | undefined
}>

function readArguments(): Filling {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      first: { type: 'string', default: '0' },
      days: { type: 'string', default: '30' },
      issuer: { type: 'string', default: 'https://issuer.test' },
      rate: { type: 'string' },
    },
  })
  const [count, ...others] = positionals
  if (others.length > 0) throw new TypeError(`one COUNT, not ${positionals.join(' ')}`)
  return {
    count: wholeNumber('COUNT', count, 1),
    first: wholeNumber('--first', values.first, 0),
    days: wholeNumber('--days', values.days, 1),
    issuer: values.issuer,
    rate: values.rate === undefined ? undefined : wholeNumber('--rate', values.rate, 1),
  }
}

function wholeNumber(name: string, text = '', least: number): number {
  const number = Number(text)
  if (!/^\d{1,12}$/.test(text) || number < least)
    throw new TypeError(`${name} must be a whole number of at least ${least}, not "${text}"`)
  return number
}

function keyOf({ issuer }: Filling, index: number): RevocationKey {
  const key = claimKey('s', issuer, `fill-${index}`)
  if (key === undefined) throw new TypeError('--issuer must be well-formed text')
  return key
}

/** Runs `work` for each of `count` numbers, so many at a time. */
async function inParallel(count: number, atOnce: number, work: (index: number) => Promise<void>) {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const quiet = pino({ level: 'silent' })

function readConfig() {
  const { REDIS_URL } = process.env
  if (REDIS_URL === undefined) throw new TypeError('REDIS_URL must name a Redis')
  const config = parseConfig({ ...process.env, JWT_SECRET: 'x'.repeat(32) })
  if (config.redis === undefined) throw new TypeError('REDIS_URL must name a Redis')
  return config
}

/** Reports of outages that no log tells: a fault of this script ends it. */
function createQuietOutages() {
  const outages = createOutages(quiet, clockOf(Date.now))
  const open = (outage: 'store' | 'feed' | 'sessions') => outages.open({ outage, meanwhile: '' })
  return { store: open('store'), feed: open('feed'), sessions: open('sessions'), ...outages }
}

type Parts = Readonly<{
  config: ReturnType<typeof readConfig>
  outages: ReturnType<typeof createQuietOutages>
}>

async function fillInBulk(filling: Filling, parts: Parts): Promise<void> {
  const { count, first, days } = filling
  const links = openLinks({ ...parts, log: quiet })
  await links.firstAttempts()
  const { main } = links
  try {
    await inParallel(Math.ceil(count / bulkEntries), bulksInFlight, async (bulk) => {
      const from = first + bulk * bulkEntries
      const to = Math.min(from + bulkEntries, first + count)
      let keys = ''
      for (let index = from; index < to; index += 1) keys += keyOf(filling, index).slice(2)
      const args = [`${keyPrefix}s:`, keys, String(from), String(days)]
      await withDeadline(runScript(main!.client, bulkScript, [feedKey], args), withinMs)
    })
  } finally {
    links.close()
  }
}

async function fill(filling: Filling): Promise<void> {
  const parts = { config: readConfig(), outages: createQuietOutages() }
  const observe = () => undefined
  const stores = openStores({ ...parts, log: quiet, now: Date.now, observe })
  try {
    await stores.firstAttempts()
    await withDeadline(stores.feed.begin(), withinMs)
    const { rate, count, first, days } = filling
    if (rate === undefined) return await fillInBulk(filling, parts)
    const startedAt = performance.now()
    await inParallel(count, 1_000, async (at) => {
      await pause(Math.max(0, startedAt + (at * 1000) / rate - performance.now()))
      const index = first + at
      const untilMs = Date.now() + (1 + (index % days)) * dayMs
      await stores.revocations.commit(commitOf([{ key: keyOf(filling, index), untilMs }]))
    })
  } finally {
    await stores.close()
    parts.outages.close()
  }
}

try {
  const filling = readArguments()
  const startedAt = performance.now()
  await fill(filling)
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(3))
  console.log(JSON.stringify({ stored: filling.count, seconds }))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
