import { cookieToken, type AuthCookie } from '../access/authorization/cookie.js'
import { endExpiredSessions } from '../access/expired-sessions.js'
import type { SubjectLimiter } from '../access/rate-limits.js'
import type { Audit } from '../audit/audit.js'
import { failureEvent, type RevocationEvent, type UpstreamRevocation } from '../audit/event.js'
import { isTooLong, ServiceError, tooLong } from '../errors.js'
import { commitOf, type Commit, type StoredRevocation } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import type { Scope } from '../revocation/token-entries.js'
import type { RevokeUpstream } from '../signals/upstream-revocation.js'
import { bearerToken, noTokenChallenge, proofChallenge } from '../token/bearer.js'
import { isSenderConstrained } from '../token/confirmation.js'
import { sessionKeysOf } from '../token/session-keys.js'
import { isOfSameHolder, type Verification, type VerifiedToken } from '../token/verification.js'
import {
  withTraits,
  type Answer,
  type BodilessRequest,
  type Operation,
  type Request,
} from './operation.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  subjectLimiter: SubjectLimiter
  revokeUpstream: RevokeUpstream
  expiredEndsSessionMs: number
  now: () => number
  /** Characters of the longest refresh token. */
  maxTokenLength: number
  /** The header fields by which a browser deletes its cookies and storage. */
  clearingHeaders: Readonly<Record<'https' | 'http', Readonly<Record<string, string | string[]>>>>
  /** The cookie that may hold the token, and the `Set-Cookie` that expires it. */
  authCookie: (AuthCookie & Readonly<{ expiringLine: string }>) | undefined
}

/**
 * Revokes the presented tokens. The revocation is written last: after an earlier failure the token
 * still works, and the client can repeat the request.
 */
export function logout(parts: Parts): Operation<'logout'> {
  const { authCookie } = parts
  const traits = {
    limitedByAddress: true,
    refuseBody: refuseBody(parts),
    mayLackToken: authCookie !== undefined,
  } as const
  return withTraits<'logout'>(traits, async (request) => {
    const { authorization, body, requester } = request
    const cookie =
      authCookie && authorization.length === 0 ? cookieToken(authCookie, request) : undefined
    if (cookie === undefined && body.token === undefined) return refuseBody(parts)(request)
    // A holder may end a token without a proof of possession, even one that is bound to a key.
    const jwt = cookie ?? bearerToken(authorization, { dpop: true })
    const caller = await parts.verification.verify(jwt, requester.address)
    const ended = endToken(parts, request, { jwt, caller })
    if (authCookie === undefined || cookie === undefined) return ended
    return ended.catch(expireCookie(authCookie, caller))
  })
}

/** Refuses a request that names no token. Only a holder of a genuine token is told so. */
const refuseBody =
  ({ verification }: Parts) =>
  async ({ authorization, requester }: BodilessRequest): Promise<never> => {
    await verification.verify(bearerToken(authorization, { dpop: true }), requester.address)
    throw new ServiceError('invalid_token', {
      reason: 'no_token_in_body',
      headers: { 'WWW-Authenticate': noTokenChallenge },
    })
  }

/** @throws the failure, which takes the cookie of a token that no longer works with it */
const expireCookie =
  ({ expiringLine }: NonNullable<Parts['authCookie']>, { timing }: VerifiedToken) =>
  (error: unknown): never => {
    // It may be the token of the body that has expired.
    const isDead =
      error instanceof ServiceError &&
      ((error.code === 'token_expired' && timing === 'expired') || error.reason === 'revoked')
    throw isDead ? error.with({ 'Set-Cookie': expiringLine }) : error
  }

async function endToken(
  parts: Parts,
  { body, requester, secure }: Request<'logout'>,
  { jwt, caller }: Readonly<{ jwt: string; caller: VerifiedToken }>,
): Promise<Answer<'logout'>> {
  const { audit, clearingHeaders, maxTokenLength } = parts
  const { scope = 'local', refreshToken } = body
  if (refreshToken !== undefined && refreshToken.length > maxTokenLength)
    throw tooLong('bad_request')
  const event = {
    event: 'authn_token_revoked',
    reason: scope === 'global' ? 'logout_everywhere' : 'logout',
    requester,
    token: caller,
  } as const
  const named = body.token === jwt ? undefined : body.token
  const { headers, upstreamRevocation } = await audit.auditRevocation(
    event,
    revokePresented(parts, { caller, named, scope, event, refreshToken }),
  )
  return {
    status: 200,
    body: { success: true, message: 'Sesión cerrada exitosamente' },
    headers: Object.assign(
      headers,
      upstreamHeader(upstreamRevocation),
      secure ? clearingHeaders.https : clearingHeaders.http,
    ),
  }
}

type Presented = Readonly<{
  caller: VerifiedToken
  /** The token of the body, when its text differs from the presented token's. */
  named: string | undefined
  scope: Scope
  event: RevocationEvent
  refreshToken: string | undefined
}>
type Tokens = readonly [VerifiedToken, ...VerifiedToken[]]
/** Absent: the request had no refresh token. */
type HandedOver = UpstreamRevocation | undefined
type LoggedOut = StoredRevocation &
  Readonly<{ headers: Record<string, string>; upstreamRevocation: HandedOver }>

/** Checks the tokens, builds the commit and maps its outcome. */
async function revokePresented(parts: Parts, presented: Presented): Promise<LoggedOut> {
  const { revocations, audit, subjectLimiter } = parts
  const { caller, named, scope, event } = presented
  const tokens: Tokens =
    named === undefined ? [caller] : [caller, await verifyNamed(parts, presented, named)]
  if (tokens.some(({ timing }) => timing !== 'current'))
    await refuseUntimely(tokens, parts, presented)
  if (scope === 'global') requireWide(tokens, revocations)

  const entries = revocations.entriesOf(tokens, scope)
  const commit: Commit = {
    entries,
    auditEvent: audit.revocationEvent(event, entries),
    sessionKeysToDelete: sessionKeysOf(tokens),
    preconditions: revocations.preconditionsOf(caller),
    rateLimit: subjectLimiter.rateLimitOf(caller.keys.u ?? caller.keys.t),
  }
  const { outcome, headers } = await subjectLimiter.enforceLimit(commit)
  switch (outcome) {
    case 'stored':
    case 'stored_without_audit':
      return { outcome, commit, headers, upstreamRevocation: await handOver(parts, presented) }
    case 'already_revoked':
      return refuseRevoked(parts, presented)
    case 'rate_limited':
      throw new ServiceError('too_many_requests', { reason: 'subject_limit', headers })
  }
}

/** Hands the refresh token, if there is one, to the issuer of a token that has ended. */
const handOver = async (
  { revokeUpstream }: Parts,
  { caller, refreshToken }: Presented,
): Promise<HandedOver> =>
  refreshToken === undefined ? undefined : revokeUpstream(caller, refreshToken)

const upstreamHeader = (upstreamRevocation: HandedOver): Record<string, string> =>
  upstreamRevocation === undefined ? {} : { 'X-Upstream-Revocation': upstreamRevocation }

/** The earlier request may not have reached the issuer, so the refresh token is handed over again. */
async function refuseRevoked(parts: Parts, presented: Presented): Promise<never> {
  const error = new ServiceError('invalid_token', { reason: 'revoked' })
  const upstreamRevocation = await handOver(parts, presented)
  await parts.audit.record({ ...failureEvent(presented.event, error), upstreamRevocation })
  throw error.with(upstreamHeader(upstreamRevocation))
}

async function verifyNamed(
  { verification }: Parts,
  { caller, event }: Presented,
  named: string,
): Promise<VerifiedToken> {
  const other = await verification.verify(named, event.requester.address).catch(tellCaller)
  if (!isOfSameHolder(caller, other))
    throw new ServiceError('invalid_token', { reason: 'other_subject' })
  return other
}

/** The caller's token is genuine, so the caller is told what is wrong with the other one. */
function tellCaller(error: unknown): never {
  if (isTooLong(error)) throw tooLong('invalid_token')
  if (error instanceof ServiceError && error.code === 'invalid_token')
    throw error.with({ 'X-Error-Reason': 'invalid_token' })
  throw error
}

/**
 * To revoke every token of a subject, the bearer must name the subject, and must not need a proof
 * of possession. Each token must say when it was issued: otherwise the tokens of the next login,
 * which would not say it either, were refused, too.
 */
function requireWide(tokens: Tokens, { preconditionsOf }: Revocations): void {
  const [caller] = tokens
  if (isSenderConstrained(caller.claims))
    throw new ServiceError('invalid_token', {
      reason: 'sender_constrained',
      headers: { 'WWW-Authenticate': proofChallenge },
    })
  if (caller.keys.u === undefined) throw new ServiceError('bad_request', { reason: 'no_subject' })
  if (tokens.some((token) => preconditionsOf(token).issuedAtS === undefined))
    throw new ServiceError('bad_request', { reason: 'no_issued_at' })
}

/**
 * Refuses tokens that have expired or are not valid yet, after revoking them: another API may still
 * accept an expired token by its leeway, and will accept a future token later. An expired token may
 * also end its session. A caller gets `token_expired` only if none of the tokens is a future one.
 */
async function refuseUntimely(tokens: Tokens, parts: Parts, presented: Presented): Promise<never> {
  const { revocations, audit } = parts
  const { requester } = presented.event
  const entries = await revocations.untimelyEntries(tokens)
  if (entries.length > 0) await revocations.record(commitOf(entries))
  const keys = entries.map(({ key }) => key)
  const [token] = tokens
  const isAhead = tokens.some(({ timing }) => timing === 'ahead')
  if (!isAhead) await endExpiredSessions(parts, tokens, { ...presented.event, reason: 'logout' })
  const upstreamRevocation =
    !isAhead && token.timing === 'expired' ? await handOver(parts, presented) : undefined
  const [event, reason] = isAhead
    ? (['authz_fail', 'not_yet_valid'] as const)
    : (['session_use_after_expire', 'expired'] as const)
  const outcome = 'refused'
  await audit.record({ event, outcome, reason, requester, token, keys, upstreamRevocation })
  throw new ServiceError(isAhead ? 'invalid_token' : 'token_expired', {
    reason,
    headers: upstreamHeader(upstreamRevocation),
  })
}
