import { ServiceError, type Cause } from '../errors.js'
import { commitOf } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { hasTyp } from '../token/claims.js'
import { claimKey, type RevocationKey } from '../token/keys.js'
import {
  faultOfShortLife,
  longestLifeS,
  verifySigned,
  type SignedJwt,
  type Signer,
} from '../token/verify-signature.js'
import type { Assertion } from './authorization/client-credentials.js'
import type { Client } from './client.js'
import { createSubjectLimiter } from './rate-limits.js'

/** Authenticates machine clients by assertions (RFC 7523 §3). */
export type ClientAssertions = Readonly<{
  /**
   * The client that has signed an assertion.
   *
   * @throws ServiceError `invalid_client` with the cause, `keys_unavailable`
   */
  authenticate(assertion: Assertion, clients: readonly Client[]): Promise<Identified>
  /**
   * Uses an assertion: once, by all instances together, for an operation that cannot be undone. For
   * any other it may be used again for 60 s, at this instance.
   *
   * @throws ServiceError `invalid_client` when the assertion is used up; `store_unavailable` when it
   * is unknown whether it is
   */
  use(assertion: RevocationKey, isIrrevocable: boolean): Promise<void>
}>

/** A client, and the name of the assertion by which it was found. */
export type Identified = Readonly<{ client: Client; assertion?: RevocationKey }>

type Parts = Readonly<{
  /** The origin of the service, which assertions must be for; absent: none is accepted. */
  audience: string | undefined
  now: () => number
  maxClockSkewMs: number
  revocations: Pick<Revocations, 'commit'>
}>

const mayBeUsedAgainMs = 60_000
/** How many assertions are remembered. Each takes about 100 bytes. */
const mostRemembered = 100_000

export function createClientAssertions(parts: Parts): ClientAssertions {
  const { now, maxClockSkewMs } = parts
  const isFirstUse = createSingleUse(parts)
  const used = createUses(now, longestLifeS * 1000 + 2 * maxClockSkewMs)
  return {
    async authenticate({ assertion, id }, clients) {
      const signed = await verifySigned(assertion, ({ iss }) => signerOf(clients, iss)).catch(
        asRefusal,
      )
      const { client } = signed.signer
      const cause = faultOf(signed, parts)
      const name = claimKey('j', client.id, signed.claims.jti)
      if (cause !== undefined || name === undefined) throw refuseAssertion(cause ?? 'no_jti')
      if (id !== undefined && id !== client.id) throw refuseAssertion('subject')
      return { client, assertion: name }
    },
    async use(name, isIrrevocable) {
      const firstMs = used.firstMs(name)
      const isUsedUp = isIrrevocable
        ? firstMs !== undefined || !(await isFirstUse(name))
        : firstMs !== undefined && now() - firstMs > mayBeUsedAgainMs
      if (isUsedUp) throw refuseAssertion('repeated')
      used.add(name)
    },
  }
}

const refuseAssertion = (cause: Cause) =>
  new ServiceError('invalid_client', { reason: `client_assertion_${cause}` })

/** Verification gives each refusal its cause. */
function asRefusal(error: unknown): never {
  if (!(error instanceof ServiceError && error.code === 'invalid_token')) throw error
  throw refuseAssertion((error.reason as Cause | undefined) ?? 'signature')
}

function signerOf(
  clients: readonly Client[],
  id: unknown,
): (Signer & { client: Client }) | undefined {
  const client = clients.find((candidate) => candidate.id === id)
  return client !== undefined && 'keys' in client.authentication
    ? { ...client.authentication, client }
    : undefined
}

/** The rules of RFC 7523 §3. Only the service itself may be the audience (CVE-2025-27370). */
function faultOf(
  { header, claims, signer: { client } }: SignedJwt<Signer & { client: Client }>,
  { audience, now, maxClockSkewMs }: Parts,
): Cause | undefined {
  const { sub, aud } = claims
  const isOfKind =
    header['typ'] === undefined ||
    hasTyp(header, 'JWT') ||
    hasTyp(header, 'client-authentication+jwt')
  if (!isOfKind) return 'typ'
  if (sub !== client.id) return 'subject'
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (audience === undefined || audiences.length !== 1 || audiences[0] !== audience)
    return 'audience'
  return faultOfShortLife(claims, { nowMs: now(), maxClockSkewMs })
}

/** When each assertion was used first at this instance. The oldest are forgotten first. */
function createUses(now: () => number, keptMs: number) {
  const uses = new Map<RevocationKey, number>()
  return {
    firstMs: (name: RevocationKey) => uses.get(name),
    add(name: RevocationKey): void {
      if (uses.has(name)) return
      uses.set(name, now())
      for (const [oldest, firstMs] of uses) {
        if (uses.size <= mostRemembered && now() - firstMs <= keptMs) return
        uses.delete(oldest)
      }
    },
  }
}

/**
 * Counts the uses of an assertion where requests are counted: a second one does not fit into its
 * window, which outlasts the assertion.
 */
function createSingleUse({ revocations, maxClockSkewMs }: Parts) {
  const windowS = longestLifeS + Math.ceil((2 * maxClockSkewMs) / 1000)
  const limiter = createSubjectLimiter({
    limit: { requests: 1, windowS },
    revocations,
    onRefused: () => undefined,
  })
  return async (name: RevocationKey): Promise<boolean> => {
    const rateLimit = limiter.rateLimitOf(`assertion:${name}`)
    const { outcome } = await limiter.enforceLimit(commitOf([], { rateLimit }))
    return outcome !== 'rate_limited'
  }
}
