import { hash, randomBytes } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { limitedAddress } from './addresses.js'
import { keyPrefix } from './store/store.js'
import type { Counted, Windows } from './store/windows.js'

export type Limit = Readonly<{ requests: number; windowS: number }>
export type PolicyName = 'address' | 'subject'

/** What one policy says of one request. */
export type Verdict = Readonly<{ allowed: boolean; remaining: number; resetS: number }>

/** Counts one request of `who` and says whether it is within the limit, or takes the count back. Absent when the policy is off. */
export type Limiter = Readonly<{
  name: PolicyName
  /** `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). */
  policy: string
  consume(who: string): Promise<Verdict>
  refund(who: string): Promise<void>
}>

const policyOf = (name: PolicyName, { requests, windowS }: Limit) => `"${name}";q=${requests};w=${windowS}`

// Buckets instead of addresses: however many addresses an attacker has, memory is bounded. The salt keeps anyone from choosing
// whose bucket to share.
const addressBuckets = 1 << 17
/** Addresses whose bucket is remembered, as there are few behind a proxy. */
const mostKnown = 1_000

/** Told of every request that a limit refuses. */
export type OnRefused = (policy: PolicyName) => void

/** Counts client addresses in memory. */
export function createAddressLimiter(limit: Limit, onRefused: OnRefused): Limiter {
  const limiter = new RateLimiterMemory({ points: limit.requests, duration: limit.windowS })
  const salt = randomBytes(16).toString('hex')
  const known = new Map<string, string>()
  const bucketOf = (address: string): string => {
    const seen = known.get(address)
    if (seen !== undefined) return seen
    const bucket = String(hash('sha256', salt + limitedAddress(address), 'buffer').readUInt32BE(0) % addressBuckets)
    if (known.size >= mostKnown) known.clear()
    known.set(address, bucket)
    return bucket
  }
  return {
    name: 'address',
    policy: policyOf('address', limit),
    consume: (address) => consume(limiter, bucketOf(address), limit, () => onRefused('address')),
    refund: async (address) => void (await limiter.reward(bucketOf(address))),
  }
}

/**
 * Counts verified subjects in Redis, for all instances together, and in memory while Redis does not answer. Whatever ails Redis, the
 * check of the revocation that runs beside this meets it too, and reports it.
 */
export function createSubjectLimiter(limit: Limit, windows: Windows | undefined, onRefused: OnRefused): Limiter {
  const memory = new RateLimiterMemory({ points: limit.requests, duration: limit.windowS })
  const refused = () => onRefused('subject')
  const embedded: Limiter = {
    name: 'subject',
    policy: policyOf('subject', limit),
    consume: (subject) => consume(memory, subject, limit, refused),
    refund: async (subject) => void (await memory.reward(subject)),
  }
  if (windows === undefined) return embedded
  const keyOf = (subject: string) => `${keyPrefix}limit:${subject}`
  return {
    ...embedded,
    consume: (subject) => windows.add(keyOf(subject), 1).then((counted) => verdictOf(counted, limit, refused), () => embedded.consume(subject)),
    refund: (subject) => windows.add(keyOf(subject), -1).then(() => undefined, () => embedded.refund(subject)),
  }
}

const consume = (limiter: RateLimiterMemory, key: string, limit: Limit, onRefused: () => void): Promise<Verdict> =>
  limiter.consume(key).catch((refusal: unknown) => {
    if (refusal instanceof RateLimiterRes) return refusal
    throw refusal
  }).then(({ consumedPoints, msBeforeNext }) => verdictOf({ count: consumedPoints, leftMs: msBeforeNext }, limit, onRefused))

function verdictOf({ count, leftMs }: Counted, limit: Limit, onRefused: () => void): Verdict {
  const allowed = count <= limit.requests
  if (!allowed) onRefused()
  return { allowed, remaining: Math.max(0, Math.min(limit.requests, limit.requests - count)), resetS: Math.max(1, Math.ceil(leftMs / 1000)) }
}

/** `RateLimit-Policy` and `RateLimit` of one policy (draft-ietf-httpapi-ratelimit-headers), and `Retry-After` where it refuses. */
export function rateLimitHeaders({ name, policy }: Limiter, { allowed, remaining, resetS }: Verdict): Record<string, string> {
  const headers: Record<string, string> = { 'RateLimit-Policy': policy, RateLimit: `"${name}";r=${remaining};t=${resetS}` }
  if (!allowed) headers['Retry-After'] = String(resetS)
  return headers
}
