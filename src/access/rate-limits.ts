import { hash, randomBytes } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { ServiceError } from '../errors.js'
import type { Commit, Counted, Outcome, RateLimit } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

export type Limit = Readonly<{ requests: number; windowS: number }>
export type PolicyName = 'address' | 'subject'

/** The answer of one policy to one request. */
export type Verdict = Readonly<{ allowed: boolean; remaining: number; resetS: number }>

/** A policy as header fields describe it (draft-ietf-httpapi-ratelimit-headers). */
type Policy = Readonly<{ name: PolicyName; policy: string }>

/** Counts one request of an address. */
export type AddressLimiter = Policy & Readonly<{ consume(address: string): Promise<Verdict> }>

/** Called for every request that a limit refuses. */
export type OnRefused = (policy: PolicyName) => void

const policyOf = (name: PolicyName, { requests, windowS }: Limit): Policy => ({
  name,
  policy: `"${name}";q=${requests};w=${windowS}`,
})

// Buckets are counted instead of addresses, so an attacker with many addresses cannot fill the
// memory. Without the salt, an attacker could choose an address in the bucket of another client.
const addressBuckets = 1 << 17
/** Addresses whose bucket is cached; behind a proxy there are few. */
const mostCached = 1_000

/** Counts client addresses in memory. */
export function createAddressLimiter(limit: Limit, onRefused: OnRefused): AddressLimiter {
  const limiter = new RateLimiterMemory({ points: limit.requests, duration: limit.windowS })
  const salt = randomBytes(16).toString('hex')
  const cached = new Map<string, string>()
  const bucketOf = (address: string): string => {
    const found = cached.get(address)
    if (found !== undefined) return found
    const bucket = String(
      hash('sha256', salt + limitedAddress(address), 'buffer').readUInt32BE(0) % addressBuckets,
    )
    if (cached.size >= mostCached) cached.clear()
    cached.set(address, bucket)
    return bucket
  }
  const refused = () => onRefused('address')
  return {
    ...policyOf('address', limit),
    consume: (address) => consume(limiter, bucketOf(address), limit, refused),
  }
}

/**
 * Counts a request of an address, after it has turned out to be one that the limit counts.
 *
 * @throws ServiceError `too_many_requests`
 */
export async function enforceAddressLimit(
  limiter: AddressLimiter | undefined,
  address: string,
): Promise<void> {
  if (limiter === undefined) return
  const verdict = await limiter.consume(address)
  if (verdict.allowed) return
  throw new ServiceError('too_many_requests', {
    reason: 'address_limit',
    headers: rateLimitHeaders(limiter, verdict),
  })
}

/** The outcome of a limited commit, and the header fields of the limit. */
export type LimitedResult = Readonly<{
  outcome: Exclude<Outcome, 'not_executed'>
  headers: Record<string, string>
}>

/** Limits the requests of one verified subject. */
export type SubjectLimiter = Readonly<{
  /** The rate limit of this subject for a commit; `undefined` when the limit is off. */
  rateLimitOf(subject: string): RateLimit | undefined
  /**
   * Commits if the window of the commit's rate limit has room. Redis counts for all instances
   * together; the memory of this instance counts what Redis cannot.
   *
   * @throws the error of the commit, whose outcome is then unknown
   */
  enforceLimit(commit: Commit): Promise<LimitedResult>
}>

export type SubjectLimiterParts = Readonly<{
  limit: Limit | undefined
  revocations: Pick<Revocations, 'commit'>
  onRefused: OnRefused
}>

export function createSubjectLimiter(parts: SubjectLimiterParts): SubjectLimiter {
  const { limit, revocations } = parts
  const commitWithoutLimit = async (commit: Commit) => {
    const { outcome } = await revocations.commit(commit)
    if (outcome === 'not_executed') throw new ServiceError('store_unavailable', { reason: 'store' })
    return outcome
  }
  if (limit === undefined)
    return {
      rateLimitOf: () => undefined,
      enforceLimit: async (commit) => ({ outcome: await commitWithoutLimit(commit), headers: {} }),
    }
  const policy = policyOf('subject', limit)
  const memory = new RateLimiterMemory({ points: limit.requests, duration: limit.windowS })
  const refused = () => parts.onRefused('subject')
  return {
    rateLimitOf: (subject) => ({
      key: `limit:${subject}`,
      requests: limit.requests,
      windowMs: limit.windowS * 1000,
    }),
    async enforceLimit(commit) {
      const { outcome, counted } = await revocations.commit(commit)
      if (counted !== undefined && outcome !== 'not_executed') {
        const headers = rateLimitHeaders(policy, verdictOf(counted, limit, refused))
        return { outcome, headers }
      }
      const subject = commit.rateLimit?.key ?? ''
      const verdict = await consume(memory, subject, limit, refused)
      const headers = rateLimitHeaders(policy, verdict)
      if (!verdict.allowed) return { outcome: 'rate_limited', headers }
      const executed =
        outcome === 'not_executed'
          ? await commitWithoutLimit({ ...commit, rateLimit: undefined })
          : outcome
      if (executed === 'already_revoked') await memory.reward(subject)
      return { outcome: executed, headers }
    },
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

/** `RateLimit-Policy` and `RateLimit` of one policy, and `Retry-After` where the policy refuses. */
export function rateLimitHeaders(
  { name, policy }: Policy,
  { allowed, remaining, resetS }: Verdict,
): Record<string, string> {
  const headers: Record<string, string> = {
    'RateLimit-Policy': policy,
    RateLimit: `"${name}";r=${remaining};t=${resetS}`,
  }
  if (!allowed) headers['Retry-After'] = String(resetS)
  return headers
}
