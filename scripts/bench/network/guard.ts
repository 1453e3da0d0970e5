// A guard in a process of its own. It notes when it first refuses each token, and checks again and
// again that it accepts no token beyond the bound, and that it accepts a good one.
import { setImmediate } from 'node:timers/promises'
import { createGuard, GuardError, type Claims } from '../../../src/guard.js'
import { until } from '../../../test/support/processes.js'
import { clockMs, obey } from './orders.js'

export type GuardOrder =
  /** Counts from zero. */
  | 'begin'
  /** Accepts and watches tokens that are then logged out. */
  | { watch: string[] }
  /** The 200 of each of these logouts was read then. */
  | { answered: [index: number, atMs: number][] }
  /** Waits until each token is refused. */
  | 'refused'
  | 'counts'

export type Counts = {
  /** Checks of the good token, and how many of them said 503. */
  checks: number
  unknown: number
  longestStalenessMs: number
  /** Acceptances of a token, in checks that began later than `maxStalenessMs` after its 200. */
  beyondBound: number
  /** Changes of what the good token is told, with the last check before that. */
  changes: { atMs: number; lastMs: number; isUnknown: boolean }[]
  isUnknown: boolean
}

const { FEED = '', KEY_SET = '', CLIENT_SECRET = '', GOOD = '', MAX_STALENESS_MS } = process.env
const maxStalenessMs = Number(MAX_STALENESS_MS)
const guard = createGuard({
  issuers: [{ issuer: 'https://issuer.test', audience: 'https://api.test', jwksUri: KEY_SET }],
  feed: { url: FEED, clientId: 'bench', clientSecret: CLIENT_SECRET, insecure: true },
  maxStalenessMs,
})
guard.on('warning', () => undefined)
await guard.ready(60_000)

/**
 * @returns the claims of a token that is accepted
 * @throws what is neither a 503 nor the refusal of a revoked token
 */
async function check(jwt: string): Promise<Claims | 'unknown' | 'revoked'> {
  try {
    return await guard.check({ token: jwt })
  } catch (error) {
    if (error instanceof GuardError && error.status === 503) return 'unknown'
    if (error instanceof GuardError && error.reason === 'revoked') return 'revoked'
    throw error
  }
}

const noCounts = (): Counts => ({
  checks: 0,
  unknown: 0,
  longestStalenessMs: 0,
  beyondBound: 0,
  changes: [],
  isUnknown: false,
})
let counts = noCounts()
let tokens: string[] = []
let refusedAtMs: number[] = []
let unrefused = 0
/** When the 200 was read, for each token that is not refused yet. */
const pending = new Map<number, number>()
/** Tokens whose revocation was reported: from then on every check has to refuse them. */
const reported: number[] = []

async function watch(jwt: string, index: number): Promise<void> {
  const onEnd = () => {
    refusedAtMs[index] = clockMs()
    pending.delete(index)
    reported.push(index)
  }
  const accept = async () => {
    const outcome = await check(jwt)
    if (outcome === 'revoked') throw new Error('a token is refused before its logout')
    if (outcome === 'unknown') return false
    guard.watch(outcome, onEnd)
    return true
  }
  await until('the token is accepted', accept)
}

async function checkReported(index: number): Promise<void> {
  const outcome = await check(tokens[index]!)
  if (outcome !== 'revoked') throw new Error('a token is not refused after the report')
  unrefused -= 1
}

async function checkBound(index: number, answeredAtMs: number): Promise<void> {
  const begunMs = clockMs()
  const isAccepted = typeof (await check(tokens[index]!)) === 'object'
  if (isAccepted && begunMs > answeredAtMs + maxStalenessMs) counts.beyondBound += 1
}

let lastMs = clockMs()
async function checkGood(): Promise<void> {
  const begunMs = clockMs()
  const outcome = await check(GOOD)
  if (outcome === 'revoked') throw new Error('the good token is refused')
  const isUnknown = outcome === 'unknown'
  counts.checks += 1
  if (isUnknown) counts.unknown += 1
  counts.longestStalenessMs = Math.max(counts.longestStalenessMs, guard.stats().stalenessMs)
  if (isUnknown !== counts.isUnknown) counts.changes.push({ atMs: begunMs, lastMs, isUnknown })
  counts.isUnknown = isUnknown
  lastMs = begunMs
}

const checkEveryMs = 10
/** So few that the other processes have the cores when many revocations arrive at once. */
const checkedAtOnce = 20
setInterval(() => {
  void checkGood()
  for (const index of reported.splice(0, checkedAtOnce)) void checkReported(index)
  // They take turns.
  for (const [index, atMs] of [...pending].slice(0, checkedAtOnce)) {
    pending.delete(index)
    pending.set(index, atMs)
    void checkBound(index, atMs)
  }
}, checkEveryMs)

obey<GuardOrder>(async (order) => {
  if (order === 'begin') counts = noCounts()
  else if (order === 'counts') return counts
  else if (order === 'refused') {
    await until('every token is refused', () => unrefused === 0)
    return refusedAtMs
  } else if ('answered' in order) {
    for (const [index, atMs] of order.answered)
      if (refusedAtMs[index] === undefined) pending.set(index, atMs)
  } else {
    tokens = order.watch
    refusedAtMs = []
    unrefused = tokens.length
    for (const [index, jwt] of tokens.entries()) {
      await watch(jwt, index)
      // Verification is synchronous, and the guard has to follow the feed meanwhile.
      if (index % 50 === 0) await setImmediate()
    }
  }
  return undefined
})
