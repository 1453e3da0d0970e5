import { ServiceError } from '../errors.js'
import { claimText } from './keys.js'
import { scopeText } from './scopes.js'
import type { Claims, VerifiedToken } from './verification.js'

/** The header fields with which a check tells the API behind a proxy whose request it is. */
export type AuthFields = Readonly<
  Record<`X-Auth-${'Subject' | 'Issuer' | 'Session' | 'Scope' | 'Claims'}`, string>
>

/** Proxies limit the header fields of an answer; nginx to 4 or 8 KiB, all of them together. */
const largestClaimsBytes = 4_096

/**
 * Every field is there, empty when the token has no such claim: a field that were left out could be
 * forged by the client. Text is percent-encoded UTF-8; `X-Auth-Claims` is the base64url, without
 * padding, of a JSON object.
 *
 * @param names the claims of `X-Auth-Claims`; none: the field is empty
 * @throws ServiceError `store_unavailable` where these claims take more than 4 KiB
 */
export function authFieldsOf(
  { claims, named }: Pick<VerifiedToken, 'claims' | 'named'>,
  names: readonly string[],
): AuthFields {
  return {
    'X-Auth-Subject': nameField(named['sub']),
    'X-Auth-Issuer': nameField(named['iss']),
    'X-Auth-Session': nameField(named['sid']),
    'X-Auth-Scope': textField(scopeText(claims)),
    'X-Auth-Claims': names.length === 0 ? '' : claimsField(claims, names),
  }
}

/** Percent-encoded; unpaired surrogates become U+FFFD. */
const textField = (claim: unknown) =>
  typeof claim === 'string' ? encodeURIComponent(claim.toWellFormed()) : ''
const nameField = (claim: unknown) => textField(claimText(claim))

function claimsField(claims: Claims, names: readonly string[]): string {
  const named = names.filter((name) => Object.hasOwn(claims, name))
  const json = JSON.stringify(Object.fromEntries(named.map((name) => [name, claims[name]])))
  const field = Buffer.from(json, 'utf8').toString('base64url')
  if (field.length <= largestClaimsBytes) return field
  const cause = new Error(
    `X-Auth-Claims would take ${field.length} bytes, more than ${largestClaimsBytes}; ` +
      `AUTH_CLAIMS names ${names.join(', ')}`,
  )
  throw new ServiceError('store_unavailable', { reason: 'internal', cause })
}
