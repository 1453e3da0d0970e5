import { hash, randomBytes } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Committed, Counted, Window } from '../revocation/commit.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

export type Limit = Readonly<{ requests: number; windowS: number }>
export type PolicyName = 'address' | 'subject'

/** What one policy says of one request. */
export type Verdict = Readonly<{ allowed: boolean; remaining: number; resetS: number }>

/** Counts one request of `who` and says whether it is within the limit. Absent when the policy is off. */
export type Limiter = Readonly<{
  name: PolicyName
  /** `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). */
  policy: string
  consume(who: string): Promise<Verdict>
}>

const policyOf = (name: PolicyName, { requests, windowS }: Limit) =>
  `"${name}";q=${requests};w=${windowS}`

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
    const bucket = String(
      hash('sha256', salt + limitedAddress(address), 'buffer').readUInt32BE(0) % addressBuckets,
    )
    if (known.size >= mostKnown) known.clear()
    known.set(address, bucket)
    return bucket
  }
  return {
    name: 'address',
    policy: policyOf('address', limit),
    consume: (address) => consume(limiter, bucketOf(address), limit, () => onRefused('address')),
  }
}

/**
 * Counts one request of a subject with what it commits.
 *
 * @param commit commits if the window has room; without a window: in any case
 * @returns what became of the commit, or nothing where the limit refuses it, and the header fields that say so
 * @throws what `commit` throws
 */
export type Admit = <C extends Committed>(
  subject: string,
  commit: (window?: Window) => Promise<C>,
) => Promise<Admission<C>>
export type Admission<C> = Readonly<{ committed: C | undefined; headers: Record<string, string> }>

/** Counts verified subjects in Redis, for all instances together, and in memory what Redis does not count. */
export function createSubjectLimiter(limit: Limit | undefined, onRefused: OnRefused): Admit {
  if (limit === undefined)
    return async (_subject, commit) => ({ committed: await commit(), headers: {} })
  const memory = new RateLimiterMemory({ points: limit.requests, duration: limit.windowS })
  const policy = { name: 'subject', policy: policyOf('subject', limit) } as const
  const refused = () => onRefused('subject')
  const admission = <C>(committed: C, verdict: Verdict): Admission<C> => ({
    committed: verdict.allowed ? committed : undefined,
    headers: rateLimitHeaders(policy, verdict),
  })
  return async (subject, commit) => {
    // When it throws, the outcome is unknown, whatever the limit is.
    const tried = await commit({
      key: `limit:${subject}`,
      requests: limit.requests,
      windowMs: limit.windowS * 1000,
    })
    if (tried.counted !== undefined)
      return admission(tried, verdictOf(tried.counted, limit, refused))
    const verdict = await consume(memory, subject, limit, refused)
    if (!verdict.allowed) return admission(undefined, verdict)
    const committed = tried.became === 'not_executed' ? await commit() : tried
    if (committed.became === 'already_revoked') await memory.reward(subject)
    return admission(committed, verdict)
  }
}

const consume = (
  limiter: RateLimiterMemory,
  key: string,
  limit: Limit,
  onRefused: () => void,
): Promise<Verdict> =>
  limiter
    .consume(key)
    .catch((refusal: unknown) => {
      if (refusal instanceof RateLimiterRes) return refusal
      throw refusal
    })
    .then(({ consumedPoints, msBeforeNext }) =>
      verdictOf({ count: consumedPoints, leftMs: msBeforeNext }, limit, onRefused),
    )

function verdictOf({ count, leftMs }: Counted, limit: Limit, onRefused: () => void): Verdict {
  const allowed = count <= limit.requests
  if (!allowed) onRefused()
  return {
    allowed,
    remaining: Math.max(0, Math.min(limit.requests, limit.requests - count)),
    resetS: Math.max(1, Math.ceil(leftMs / 1000)),
  }
}

/** `RateLimit-Policy` and `RateLimit` of one policy (draft-ietf-httpapi-ratelimit-headers), and `Retry-After` where it refuses. */
export function rateLimitHeaders(
  { name, policy }: Pick<Limiter, 'name' | 'policy'>,
  { allowed, remaining, resetS }: Verdict,
): Record<string, string> {
  const headers: Record<string, string> = {
    'RateLimit-Policy': policy,
    RateLimit: `"${name}";r=${remaining};t=${resetS}`,
  }
  if (!allowed) headers['Retry-After'] = String(resetS)
  return headers
}
