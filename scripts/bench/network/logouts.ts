import { pace, type Verdict } from '../load.js'
import { soon } from '../machine.js'
import { newTokens, requestOf } from '../tokens.js'
import { algorithm, type Fleet, type NetworkGuard } from './fleet.js'
import type { Counts } from './guard.js'
import { clockMs } from './orders.js'

/** For each guard, how long after the 200 was read it refused each token. */
type Round = { latenciesMs: number[][]; refusedAtMs: number[][]; repeats: number }

/** Logs out new tokens at a steady rate, and waits until every guard refuses each. */
export async function logOut(
  { guards, port }: Fleet,
  count: number,
  rate: number,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Round> {
  const jwts = newTokens(algorithm, count)
  await Promise.all(guards.map(({ give }) => give({ watch: jwts })))
  const answeredAtMs: number[] = []
  const repeated = new Set<number>()
  let unreported: [number, number][] = []
  let repeats = 0
  const judge = (status: string, index: number): Verdict => {
    // A 500 means unknown. If the logout was stored, its repetition is refused as revoked.
    if (status === '500') {
      repeated.add(index)
      repeats += 1
      return 'repeat'
    }
    if (status !== '200' && !(status === '401' && repeated.has(index))) return 'unexpected'
    answeredAtMs[index] = clockMs()
    unreported.push([index, answeredAtMs[index]])
    return 'answered'
  }
  const report = () => {
    const answered = unreported
    unreported = []
    for (const { give } of guards) void give({ answered })
  }
  const reporting = setInterval(report, 50)
  const requests = jwts.map(requestOf.logout)
  const load = pace({ address: { port }, rate, requests, connections: 256, judge })
  const [{ unexpected }] = await Promise.all([load, meanwhile()])
  if (unexpected !== undefined) throw new Error(`a logout was answered with ${unexpected}`)
  clearInterval(reporting)
  report()
  const refusedAtMs = await Promise.all(guards.map(({ give }) => give<number[]>('refused')))
  const latenciesMs = refusedAtMs.map((all) =>
    all.map((atMs, index) => Math.max(0, atMs - answeredAtMs[index]!)),
  )
  return { latenciesMs, refusedAtMs, repeats }
}

/** What each guard has counted. */
export const countsOf = (guards: readonly NetworkGuard[]) =>
  Promise.all(guards.map(({ give }) => give<Counts>('counts')))

export const allFresh = (guards: readonly NetworkGuard[]) =>
  soon('every guard is fresh', async () =>
    (await countsOf(guards)).every(({ isUnknown }) => !isUnknown),
  )

/** Sets the conditions of every link, and lets every guard and the echo count from zero. */
export async function begin(
  { relay, guards, echo }: Fleet,
  roundTripMs: number,
  heldShare: number,
) {
  await relay({ set: { roundTripMs, heldShare } })
  await allFresh(guards)
  for (const { give } of guards) await give('begin')
  await echo('begin')
}
