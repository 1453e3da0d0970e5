import { enforceAddressLimit, type AddressLimiter } from '../access/rate-limits.js'
import type { Audit } from '../audit/audit.js'
import { ServiceError } from '../errors.js'
import { commitOf } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { limitedAddress } from '../runtime/ip-addresses.js'
import {
  revocationOf,
  subjectOf,
  verifyTransmitter,
  type NamedSubject,
  type SignedRequest,
} from '../signals/global-token-revocation.js'
import type { WarnOfRefusal } from '../signals/refused-global-revocations.js'
import type { Replays } from '../signals/replays.js'
import type { Transmitter } from '../signals/transmitters.js'
import { bearerToken } from '../token/bearer.js'
import type { Issuer } from '../token/verification.js'
import { withTraits, type BodilessRequest, type Operation, type Request } from './operation.js'

type Parts = Readonly<{
  transmitters: () => readonly Transmitter[]
  issuers: () => readonly Issuer[]
  revocations: Revocations
  audit: Audit
  replays: Replays
  /** Counts refused and repeated JWTs, as those of back-channel logout are counted. */
  failureLimiter: AddressLimiter | undefined
  onRefused: WarnOfRefusal
  maxClockSkewMs: number
  now: () => number
}>

/** Ends every login of a user (draft-parecki-oauth-global-token-revocation). */
export const globalTokenRevocation = (parts: Parts): Operation<'globalTokenRevocation'> => {
  const { revocations, audit, replays, failureLimiter, now } = parts
  const isAuthenticated = async (request: BodilessRequest) => {
    await authenticate(request, parts)
    return true
  }
  return withTraits<'globalTokenRevocation'>({ isAuthenticated }, async (request) => {
    const { requester } = request
    const { transmitter, iat, key } = await authenticate(request, parts)
    const subject = await namedBy(request, transmitter, parts)
    // A sender whose request was cut off repeats it, and the user is logged out: 204.
    if (replays.isReplay(key)) await enforceAddressLimit(failureLimiter, requester.address)
    const { entries, sessionKeysToDelete } = revocationOf(subject, iat, revocations, now())
    if (!(await revocations.holds(entries))) {
      const event = {
        event: 'authn_token_revoked',
        reason: 'global_token_revocation',
        requester,
        token: { named: { iss: subject.iss, sub: subject.sub } },
        client: transmitter.issuer,
      } as const
      const auditEvent = audit.revocationEvent(event, entries)
      const commit = commitOf(entries, { auditEvent, sessionKeysToDelete })
      await audit.auditRevocation(event, revocations.record(commit))
    }
    replays.remember(key)
    return { status: 204, body: undefined }
  })
}

async function authenticate(
  { authorization, requester: { address } }: BodilessRequest,
  parts: Parts,
): Promise<SignedRequest> {
  const { transmitters, now, maxClockSkewMs, failureLimiter, onRefused } = parts
  let jwt: string | undefined
  try {
    jwt = bearerToken(authorization)
    return await verifyTransmitter(jwt, limitedAddress(address), {
      transmitters: transmitters(),
      nowMs: now(),
      maxClockSkewMs,
    })
  } catch (error) {
    if (isRefusal(error)) {
      if (jwt !== undefined) onRefused(jwt, error)
      await enforceAddressLimit(failureLimiter, address)
    }
    throw error
  }
}

async function namedBy(
  { body, authorization, requester }: Request<'globalTokenRevocation'>,
  transmitter: Transmitter,
  { issuers, audit, failureLimiter, onRefused }: Parts,
): Promise<NamedSubject> {
  try {
    return subjectOf(body, transmitter, issuers())
  } catch (error) {
    if (isRefusal(error)) {
      await audit.record({
        event: error.code === 'not_permitted' ? 'authz_fail' : 'input_validation_fail',
        outcome: 'refused',
        reason: error.reason ?? 'body',
        requester,
        client: transmitter.issuer,
      })
      onRefused(bearerToken(authorization), error)
      await enforceAddressLimit(failureLimiter, requester.address)
    }
    throw error
  }
}

const refusals: readonly ServiceError['code'][] = [
  'token_missing',
  'invalid_token',
  'bad_request',
  'not_permitted',
  'not_found',
]

/** Whether the request is refused. Where keys cannot be had, that is unknown. */
const isRefusal = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && refusals.includes(error.code)
