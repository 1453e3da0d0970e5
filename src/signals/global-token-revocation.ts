import type { components } from '../../generated/openapi.js'
import { ServiceError, type Cause, type Reason } from '../errors.js'
import { entryWith, type Entry } from '../revocation/entry.js'
import type { TokenEntries } from '../revocation/token-entries.js'
import { writeChallenge, scopeChallenge } from '../token/bearer.js'
import { hasTyp } from '../token/claims.js'
import { findIssuer } from '../token/issuer-name.js'
import { claimKey, type RevocationKey } from '../token/keys.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Issuer } from '../token/verification.js'
import { faultOfShortLife, verifySigned, type SignedJwt } from '../token/verify-signature.js'
import type { Transmitter } from './transmitters.js'

/** What is known of a request by its JWT: who has sent it, and when. */
export type SignedRequest = Readonly<{
  transmitter: Transmitter
  /** When the JWT was issued, in epoch seconds. */
  iat: number
  /** Names the JWT, by its `jti`. */
  key: RevocationKey
}>

type Rules = Readonly<{
  transmitters: readonly Transmitter[]
  nowMs: number
  maxClockSkewMs: number
}>

/**
 * Verifies the JWT of a transmitter (RFC 7523 §3). The rules are those of a client assertion, and
 * there must be an `iat`.
 *
 * @param waiter as of `Verification.verify`
 * @throws ServiceError `invalid_token` with the cause, `keys_unavailable`
 */
export async function verifyTransmitter(
  jwt: string,
  waiter: string,
  rules: Rules,
): Promise<SignedRequest> {
  const signed = await verifySigned(jwt, ({ iss }) => senderOf(rules, iss), waiter).catch(asRefusal)
  const { signer: transmitter, claims } = signed
  const key = claimKey('j', transmitter.issuer, claims.jti)
  const cause = faultOf(signed, rules)
  if (cause !== undefined) throw refuseJwt(cause)
  if (claims.iat === undefined) throw refuseJwt('no_iat')
  if (key === undefined) throw refuseJwt('no_jti')
  return { transmitter, iat: claims.iat, key }
}

const senderOf = ({ transmitters }: Rules, iss: unknown): Transmitter | undefined =>
  transmitters.find(({ issuer, allow }) => issuer === iss && allow.includes('gtr'))

const refuseJwt = (cause: Cause) =>
  new ServiceError('invalid_token', { reason: `global_token_revocation_${cause}` })

/** Verification gives each refusal its cause. */
function asRefusal(error: unknown): never {
  if (!(error instanceof ServiceError && error.code === 'invalid_token')) throw error
  throw refuseJwt((error.reason as Cause | undefined) ?? 'signature')
}

function faultOf(
  { signer, header, claims }: SignedJwt<Transmitter>,
  { nowMs, maxClockSkewMs }: Rules,
): Cause | undefined {
  const isOfKind =
    header['typ'] === undefined ||
    hasTyp(header, 'JWT') ||
    hasTyp(header, 'global-token-revocation+jwt')
  if (!isOfKind) return 'typ'
  // A JWT for other receivers, too, could be sent here by each of them.
  const audiences: readonly unknown[] = [claims.aud].flat()
  if (audiences.length !== 1 || !signer.audience.some((one) => one === audiences[0]))
    return 'audience'
  return faultOfShortLife(claims, { nowMs, maxClockSkewMs })
}

type Body = components['schemas']['GlobalRevocationRequest']
type Identifier = components['schemas']['SubjectIdentifier']

/** A subject whose tokens a transmitter may end. */
export type NamedSubject = Readonly<{
  issuer: Issuer
  iss: string
  sub: string
  key: RevocationKey
}>

/**
 * The subject that a request names (RFC 9493), as tokens of its issuer have it.
 *
 * @throws ServiceError `bad_request` with the member, `not_found` where no configured issuer has
 * such a subject, `not_permitted` where it is not the transmitter's
 */
export function subjectOf(
  body: Body,
  transmitter: Transmitter,
  issuers: readonly Issuer[],
): NamedSubject {
  const { iss, sub, member } =
    'sub_id' in body
      ? nameOf(body.sub_id, 'body.sub_id', transmitter)
      : nameOf(body.subject, 'body.subject', transmitter)
  const key = claimKey('u', iss, sub)
  if (key === undefined) throw badMember(member, 'is not valid')
  const issuer = findIssuer(issuers, iss)
  if (issuer === undefined) throw notFound('unconfigured_issuer')
  if (findIssuer(transmitter.tokenIssuers, iss) === undefined)
    throw new ServiceError('not_permitted', {
      reason: 'permission',
      headers: { 'WWW-Authenticate': writeChallenge(foreignSubject) },
    })
  return { issuer, iss, sub, key }
}

function nameOf(
  identifier: Identifier,
  path: string,
  { tokenIssuers }: Transmitter,
): Readonly<Record<'iss' | 'sub' | 'member', string>> {
  const textOf = (name: 'iss' | 'sub' | 'id'): string => {
    const { [name]: text } = identifier
    if (text === undefined) throw badMember(`${path}.${name}`, 'is needed')
    return text
  }
  if (identifier.format === 'iss_sub')
    return { iss: textOf('iss'), sub: textOf('sub'), member: `${path}.sub` }
  const [only, ...others] = tokenIssuers
  // An opaque identifier does not say which issuer it is of.
  const iss = others.length > 0 || only?.template !== undefined ? undefined : only?.issuer
  if (identifier.format !== 'opaque' || iss === undefined) throw notFound('subject_format')
  return { iss, sub: textOf('id'), member: `${path}.id` }
}

const notFound = (reason: Reason) => new ServiceError('not_found', { reason })
const badMember = (path: string, rule: string) =>
  new ServiceError('bad_request', { reason: 'invalid_member', details: [{ path, rule }] })

const foreignSubject = {
  ...scopeChallenge,
  description: 'The transmitter may not end tokens of this issuer',
}

/** What a request ends: every token of its subject that was issued until the JWT was. */
export function revocationOf(
  { issuer, iss, sub, key }: NamedSubject,
  iat: number,
  { keptUntilMs, cutoffAt }: Pick<TokenEntries, 'keptUntilMs' | 'cutoffAt'>,
  nowMs: number,
): Readonly<{ entries: readonly Entry[]; sessionKeysToDelete: readonly string[] }> {
  // Expiry and cutoff come from the `iat`, so that a repeat changes nothing. A JWT that is older
  // than every session has none left to end.
  const untilMs = keptUntilMs({
    lifetimeS: issuer.sessionMaxLifetimeS,
    fromMs: Math.ceil(iat * 1000),
  })
  return {
    entries: untilMs <= nowMs ? [] : [entryWith(key, untilMs, cutoffAt(iat))],
    sessionKeysToDelete: sessionKeysOf([{ issuer, named: { iss, sub } }]),
  }
}
