import { bearerToken } from '../bearer.js'
import type { Check } from '../check.js'
import type { Operation } from './operation.js'

/** What a reverse proxy asks before it forwards a request. */
export const verify =
  ({ check }: { check: Check }): Operation<'verify'> =>
  async ({ authorization }) => {
    const { claims } = await check(bearerToken(authorization))
    return {
      status: 200,
      body: { success: true, message: 'Token válido' },
      headers: {
        'X-Auth-Subject': percentEncoded(claims.sub),
        'X-Auth-Issuer': percentEncoded(claims.iss),
        'X-Auth-Session': percentEncoded(claims['sid']),
        'X-Auth-Scope': percentEncoded(claims['scope']),
      },
    }
  }

const percentEncoded = (claim: unknown) => (typeof claim === 'string' ? encodeURIComponent(claim.toWellFormed()) : '')
