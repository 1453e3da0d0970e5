import { bearerToken, senderConstrainedChallenge } from '../token/bearer.js'
import type { Check } from '../revocation/check.js'
import { ServiceError } from '../errors.js'
import { isDpopBound, isSenderConstrained, type SenderConstrained } from '../token/confirmation.js'
import { claimText } from '../token/keys.js'
import type { Operation } from './operation.js'

/**
 * Answers a reverse proxy before it forwards a request. When `cnf` is ignored, the API behind the
 * proxy checks the proof, so the scheme `DPoP` is accepted, too.
 */
export const verify =
  ({
    check,
    senderConstrained,
  }: {
    check: Check
    senderConstrained: SenderConstrained
  }): Operation<'verify'> =>
  async ({ authorization }) => {
    const { claims } = await check(
      bearerToken(authorization, { dpop: senderConstrained === 'ignore' }),
    )
    if (senderConstrained === 'refuse' && isSenderConstrained(claims)) {
      throw new ServiceError('invalid_token', {
        reason: 'sender_constrained',
        headers: { 'WWW-Authenticate': senderConstrainedChallenge(isDpopBound(claims)) },
      })
    }
    return {
      status: 200,
      body: { success: true, message: 'Token válido' },
      headers: {
        'X-Auth-Subject': nameField(claims.sub),
        'X-Auth-Issuer': nameField(claims.iss),
        'X-Auth-Session': nameField(claims['sid']),
        'X-Auth-Scope': textField(claims['scope']),
      },
    }
  }

/** A claim as a header field: percent-encoded, and unpaired surrogates become U+FFFD. */
const textField = (claim: unknown) =>
  typeof claim === 'string' ? encodeURIComponent(claim.toWellFormed()) : ''
const nameField = (claim: unknown) => textField(claimText(claim))
