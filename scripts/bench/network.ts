// Measures the way of a revocation through a network: npm run bench:network [-- --logouts N]. There
// is a relay on each link: client to service, service to Redis, guards to service, and from the key
// set of the issuer to service and guards. Writes its section of generated/bench.md (`--out FILE`).
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { machine, quantile, soon } from './machine.js'
import { startFleet, stopFleet, type Fleet } from './network/fleet.js'
import { networkKind, runInNamespaces } from './network/hosts.js'
import { allFresh, begin, countsOf, logOut } from './network/logouts.js'
import { clockMs } from './network/orders.js'
import { markdownTable, reportFile, writeSection } from './report.js'

const roundTripsMs = [1, 20, 80]
const heldShares = [0, 0.01]
/** `maxStalenessMs` of the guards: the default, and what it might be. */
const stalenessesMs = [5_000, 2_000] as const
const [perS, heldPerS] = [600, 250]
const roundOf = 10_000
const partitionS = 10

const quantiles = [0.5, 0.9, 0.99, 0.999, 1]
const quantileHead = ['p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms']
const quantilesOf = (latenciesMs: readonly number[]) =>
  quantiles.map((q) => quantile(latenciesMs, q).toFixed(1))

let acceptedBeyond = 0

async function measure(fleet: Fleet, roundTripMs: number, heldShare: number, logouts: number) {
  await begin(fleet, roundTripMs, heldShare)
  const latenciesMs: number[] = []
  let repeats = 0
  for (let done = 0; done < logouts; done += roundOf) {
    const count = Math.min(roundOf, logouts - done)
    const round = await logOut(fleet, count, heldShare === 0 ? perS : heldPerS)
    for (const all of round.latenciesMs) for (const ms of all) latenciesMs.push(ms)
    repeats += round.repeats
  }
  const counts = await countsOf(fleet.guards)
  const echoMs = quantile(await fleet.echo<number[]>('latencies'), 0.999)
  const beyondBound = sum(counts.map((each) => each.beyondBound))
  acceptedBeyond += beyondBound
  const unknownOf = (maxStalenessMs: number) => {
    const all = counts.filter((_, at) => fleet.guards[at]?.maxStalenessMs === maxStalenessMs)
    const longestMs = Math.max(...all.map(({ longestStalenessMs }) => longestStalenessMs))
    const unknown = sum(all.map((each) => each.unknown))
    return `${unknown} of ${sum(all.map(({ checks }) => checks))} (${longestMs.toFixed(0)})`
  }
  return [
    ...[`${roundTripMs}`, `${heldShare * 100} %`, `${logouts}`, `${repeats}`],
    ...quantilesOf(latenciesMs),
    ...[echoMs.toFixed(1), `${beyondBound}`, ...stalenessesMs.map(unknownOf)],
  ]
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0)

/** Partitions the first guard and the last one, and cuts the connections of the other. */
async function partition(fleet: Fleet, logouts: number): Promise<string[][]> {
  const { relay, guards } = fleet
  const isCutOff = (at: number) => at !== 1
  const cutOff = guards.filter((_, at) => isCutOff(at))
  let [cutOffAtMs, healedAtMs] = [0, 0]
  const disturb = async () => {
    for (const { name } of cutOff) await relay({ partition: name })
    cutOffAtMs = clockMs()
    for (let seconds = 0; seconds < partitionS; seconds += 1) {
      await pause(1_000)
      await relay({ cut: guards[1]!.name })
    }
    await soon('the partitioned guards answer 503', async () =>
      (await countsOf(cutOff)).every(({ isUnknown }) => isUnknown),
    )
    healedAtMs = clockMs()
    for (const { name } of cutOff) await relay({ heal: name })
  }
  await begin(fleet, 20, 0)
  const count = Math.min(logouts, partitionS * heldPerS)
  const { latenciesMs, refusedAtMs } = await logOut(fleet, count, count / partitionS, disturb)
  await allFresh(guards)
  const counts = await countsOf(guards)
  const timesOf = (at: number) => {
    const { changes } = counts[at]!
    const stale = changes.findLast(({ isUnknown, atMs }) => isUnknown && atMs < healedAtMs)!
    // The good token was accepted for longer than the bound.
    if (stale.lastMs > cutOffAtMs + guards[at]!.maxStalenessMs) acceptedBeyond += 1
    return [
      stale.atMs - cutOffAtMs,
      changes.at(-1)!.atMs - healedAtMs,
      Math.max(...refusedAtMs[at]!) - healedAtMs,
    ].map((ms) => ms.toFixed(0))
  }
  return counts.map(({ beyondBound, unknown, checks }, at) => {
    acceptedBeyond += beyondBound
    return [
      ...[isCutOff(at) ? 'partitioned' : 'cut each second', `${guards[at]!.maxStalenessMs}`],
      ...(isCutOff(at) ? timesOf(at) : ['', '', '']),
      ...quantilesOf(latenciesMs[at]!),
      ...[`${beyondBound}`, `${unknown} of ${checks}`],
    ]
  })
}

const caseHead = [
  ...['round trip ms', 'held back', 'logouts', 'repeated', ...quantileHead],
  ...['floor: an echo, p99.9 ms', 'accepted beyond the bound'],
  ...stalenessesMs.map((ms) => `false 503s, ${ms} ms`),
]
const disturbedHead = [
  ...['link', 'maxStalenessMs', '503 after ms', 'fresh again after ms', 'caught up after ms'],
  ...[...quantileHead, 'accepted beyond the bound', '503s'],
]

const method = `Logouts come at ${perS}/s, or ${heldPerS}/s where something is held back. A time begins when the client has read the 200. It ends when the watch of a guard reports the revocation: from then on every check refuses the token, as one proves within moments (0: the report came before the 200). Both are on the clock that all processes share. Each direction of each link is delayed by half of the round trip. A chunk that is held back arrives after a retransmission time-out of the round trip and 200 ms, which doubles with each further loss, and what follows it waits. The floor is one round trip of eight bytes through a relay of the same kind, each 5 ms, meanwhile. The bound is \`maxStalenessMs\`. A false 503 is one for a token that is good, checked each 10 ms, for each \`maxStalenessMs\`; the longest staleness of a guard, in ms, is in brackets.`

async function main(logouts: number, file: string): Promise<void> {
  const [today, tried] = stalenessesMs
  const fleet = await startFleet([today, tried, tried])
  await begin(fleet, 1, 0)
  await logOut(fleet, Math.min(logouts, 2_000), perS)
  const rows: string[][] = []
  for (const heldShare of heldShares)
    for (const roundTripMs of roundTripsMs) {
      const count = heldShare === 0 ? logouts : Math.ceil(logouts / 10)
      rows.push(await measure(fleet, roundTripMs, heldShare, count))
      console.error(rows.at(-1)?.join(' | '))
    }
  const text = [
    markdownTable(
      'From the 200 until a guard refuses the token, through a network',
      caseHead,
      rows,
    ),
    `\n${method}`,
    markdownTable(
      `Guards that are disturbed for ${partitionS} s, round trip 20 ms`,
      disturbedHead,
      await partition(fleet, logouts),
    ),
    `\n${networkKind}. ${machine()}.`,
  ].join('\n')
  console.log(text)
  writeSection('network', text, { file })
  if (acceptedBeyond > 0) throw new Error(`${acceptedBeyond} acceptances beyond the bound`)
}

const { values } = parseArgs({
  options: {
    logouts: { type: 'string', default: '100000' },
    out: { type: 'string', default: reportFile },
  },
})
const logouts = Number(values.logouts)
if (!(logouts >= 1)) throw new TypeError(`--logouts must be a number, not ${values.logouts}`)
const code = await runInNamespaces()
if (code !== undefined) process.exit(code)
try {
  await main(logouts, values.out)
} finally {
  await stopFleet()
}
process.exit(0)
