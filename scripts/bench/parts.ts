// Measures single optimisations: npm run bench:parts. Each case does the same work as src/ does it
// and in the plain way, in alternating rounds, and prints the median time of one call.
import { createHash, createHmac, createSecretKey, webcrypto } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { Counter, Histogram, Registry } from 'prom-client'
import { canonical } from '../../src/runtime/ip-addresses.js'
import { isoTime } from '../../src/telemetry/log.js'
import {
  createLabelledCounter,
  createLabelledHistogram,
  histogramBuckets,
} from '../../src/telemetry/labelled-metrics.js'
import { parseSegment, rememberParsed } from '../../src/token/claims.js'
import { claimKey } from '../../src/token/keys.js'
import { verificationKey } from '../../src/token/signature.js'
import { median } from './machine.js'

type Case = Readonly<{
  name: string
  ours: (call: number) => unknown
  plain: (call: number) => unknown
}>

const description = { name: 'a_metric', help: 'A metric.' }
const registers = [new Registry()]
const statuses = [200, 401, 403, 500]
const secondsOf = (call: number) => (call % 100) / 1000

const counter = createLabelledCounter({ ...description, labelNames: ['operation', 'status'] })
const theirCounter = new Counter({
  ...description,
  labelNames: ['operation', 'status'],
  registers,
})
const histogram = createLabelledHistogram({ ...description, labelName: 'operation' })
const theirHistogram = new Histogram({
  name: 'another_metric',
  help: 'A metric.',
  labelNames: ['operation'],
  buckets: [...histogramBuckets],
  registers,
})
const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'a-key' })).toString(
  'base64url',
)
const parseHeader = rememberParsed(parseSegment)

/** Like `claimKey`, but every claim is hashed in the way of a long one. */
function plainClaimKey(iss: string, claim: string): string {
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(Buffer.byteLength(iss), 0)
  lengths.writeUInt32BE(Buffer.byteLength(claim), 4)
  const input = Buffer.concat([
    Buffer.from('jwt-session\0', 'latin1'),
    lengths,
    Buffer.from(iss),
    Buffer.from(claim),
  ])
  return `s:${createHash('sha256').update(input).digest().subarray(0, 16).toString('base64url')}`
}
const issuer = 'https://issuer.example.com'

const secret = Buffer.alloc(32, 'a')
const signingInput = `${header}.${Buffer.alloc(300, 'a').toString('base64url')}`
const signature = createHmac('sha256', secret).update(signingInput).digest()
const isSigned = verificationKey('HS256', createSecretKey(secret))
const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const cryptoKey = await webcrypto.subtle.importKey('raw', secret, algorithm, false, ['verify'])

const line = `${'x'.repeat(400)}\n`
const lines = line.repeat(16)
const sink = openSync('/dev/null', 'w')

const cases: readonly Case[] = [
  {
    name: 'createLabelledCounter, beside a Counter of prom-client',
    ours: (call) => counter.count('logout', statuses[call % 4] ?? 200),
    plain: (call) => theirCounter.inc({ operation: 'logout', status: statuses[call % 4] ?? 200 }),
  },
  {
    name: 'createLabelledHistogram, beside a Histogram of prom-client',
    ours: (call) => histogram.observe('logout', secondsOf(call)),
    plain: (call) => theirHistogram.observe({ operation: 'logout' }, secondsOf(call)),
  },
  {
    name: 'isoTime, four times in a millisecond, beside Date.toISOString',
    ours: (call) => isoTime(1.7e12 + (call >> 2)),
    plain: (call) => new Date(1.7e12 + (call >> 2)).toISOString(),
  },
  {
    name: 'rememberParsed for a header, beside parseSegment',
    ours: () => parseHeader(header),
    plain: () => parseSegment(header),
  },
  {
    name: 'claimKey of short texts, beside one hash over buffers',
    ours: (call) => claimKey('s', issuer, `session-${call}`),
    plain: (call) => plainClaimKey(issuer, `session-${call}`),
  },
  {
    name: 'verificationKey for HS256, beside WebCrypto',
    ours: () => isSigned(signingInput, signature),
    plain: () =>
      webcrypto.subtle.verify('HMAC', cryptoKey, signature, Buffer.from(signingInput, 'latin1')),
  },
  {
    name: 'a log line that is written with 15 others, beside a write for each',
    ours: (call) => (call % 16 === 0 ? writeSync(sink, lines) : undefined),
    plain: () => writeSync(sink, line),
  },
  {
    name: 'canonical of an IPv4 address, beside ipaddr.js',
    ours: () => canonical('192.0.2.17'),
    plain: () => ipaddr.process('192.0.2.17').toString(),
  },
]

const callsInRound = 20_000
const rounds = 11

/** Microseconds of one call. */
async function timeOf(work: (call: number) => unknown): Promise<number> {
  const startedMs = performance.now()
  for (let call = 0; call < callsInRound; call += 1) {
    const result = work(call)
    if (result instanceof Promise) await result
  }
  return ((performance.now() - startedMs) * 1000) / callsInRound
}

console.log('| part | µs per call | plainly, µs | times |\n|---|---|---|---|')
for (const { name, ours, plain } of cases) {
  const times: [ours: number, plain: number][] = []
  for (let round = 0; round < rounds; round += 1)
    times.push([await timeOf(ours), await timeOf(plain)])
  const [oursUs, plainUs] = [median(times.map(([us]) => us)), median(times.map(([, us]) => us))]
  const ratio = (plainUs / oursUs).toFixed(1)
  console.log(`| ${name} | ${oursUs.toFixed(2)} | ${plainUs.toFixed(2)} | ${ratio} |`)
}
