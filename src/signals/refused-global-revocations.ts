import type { Reason, ServiceError } from '../errors.js'
import { createHourly } from '../runtime/hourly.js'
import { issuerNamedBy } from '../token/verification.js'
import type { Transmitter } from './transmitters.js'

/** The setting to look at. */
const settings: Partial<Record<Reason, string>> = {
  global_token_revocation_unknown_issuer: 'issuer (TRANSMITTERS)',
  global_token_revocation_unknown_key: 'publicKey, jwksUri, discovery (TRANSMITTERS)',
  global_token_revocation_signature: 'publicKey, jwksUri, discovery (TRANSMITTERS)',
  global_token_revocation_audience: 'audience (TRANSMITTERS), PUBLIC_URL',
  permission: 'tokenIssuers (TRANSMITTERS)',
  unconfigured_issuer: 'issuer (JWT_ISSUERS): exactly the iss of the request',
  subject_format: 'the subject format at the sender: iss_sub; opaque needs one of tokenIssuers',
}

/** @param jwt that of the request; it need not be genuine */
export type WarnOfRefusal = (jwt: string, error: ServiceError) => void

type Parts = Readonly<{
  transmitters: () => readonly Transmitter[]
  now: () => number
  warn: (details: object, message: string) => void
}>

/**
 * Makes the warning of a refused Global Token Revocation, since its sender shows the operator no
 * more than a status. It has the configured transmitter that the JWT names, the reason and the
 * setting to look at, never a text from the request. It is written once an hour for each transmitter
 * and reason.
 */
export function warnOfRefusedGlobalRevocations({ transmitters, now, warn }: Parts): WarnOfRefusal {
  const isDue = createHourly(now)
  return (jwt, { reason = 'body' }) => {
    const transmitter = issuerNamedBy(transmitters(), jwt)?.issuer ?? '(unknown)'
    if (isDue(`${reason} ${transmitter}`))
      warn(
        { transmitter, reason, setting: settings[reason] },
        'a global token revocation was refused',
      )
  }
}
