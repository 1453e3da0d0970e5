import { bearerToken, senderConstrainedChallenge, writeChallenge } from '../token/bearer.js'
import type { Check } from '../revocation/check.js'
import { ServiceError } from '../errors.js'
import { isDpopBound, isSenderConstrained, type SenderConstrained } from '../token/confirmation.js'
import { isoTime } from '../telemetry/log.js'
import { authFieldsOf } from '../token/auth-fields.js'
import { withTraits, type Operation } from './operation.js'

type Parts = Readonly<{
  check: Check
  senderConstrained: SenderConstrained
  /** The claims of `X-Auth-Claims`. */
  authClaims: readonly string[]
}>

/**
 * Answers a reverse proxy before it forwards a request. When `cnf` is ignored, the API behind the
 * proxy checks the proof, so the scheme `DPoP` is accepted, too.
 */
export const verify = ({ check, senderConstrained, authClaims }: Parts): Operation<'verify'> =>
  withTraits({ isCheck: true }, async ({ authorization }) => {
    const jwt = bearerToken(authorization, { dpop: senderConstrained === 'ignore' })
    const { token, asOfMs } = await check(jwt)
    const { claims } = token
    if (senderConstrained === 'refuse' && isSenderConstrained(claims))
      throw new ServiceError('invalid_token', {
        reason: 'sender_constrained',
        headers: {
          'WWW-Authenticate': writeChallenge(senderConstrainedChallenge(isDpopBound(claims))),
        },
      })
    return {
      status: 200,
      body: { success: true, message: 'Token válido' },
      headers: { ...authFieldsOf(token, authClaims), 'X-Auth-As-Of': isoTime(asOfMs) },
    }
  })
