import { requestWithin } from '../runtime/http-client.js'
import { tooLongDescription } from '../token/bearer.js'
import { serviceOption, type CliCommand } from './command.js'
import { failureOf, readToken, requestTimeoutMs, urlOf, type Io } from './io.js'

export const checkCommand: CliCommand = {
  name: 'check',
  help: 'say whether the token on standard input is valid and not revoked',
  options: [serviceOption],
  run: checkToken,
}

/** The headers of the answer that show claims of the token. */
const claimHeaders = {
  subject: 'x-auth-subject',
  issuer: 'x-auth-issuer',
  session: 'x-auth-session',
  scope: 'x-auth-scope',
}

/** The values of `X-Error-Reason` that say more than "not active". */
const reasons: Readonly<Record<string, string>> = {
  revoked: 'revoked',
  expired: 'expired',
  sender_constrained: 'bound to a key (cnf), and not a bearer token',
}

async function checkToken(io: Io, options: { url?: string }): Promise<number> {
  const url = urlOf(io, options)
  const headers = { Authorization: `Bearer ${await readToken(io)}` }
  const answer = await requestWithin(
    requestTimeoutMs,
    new URL('/api/v1/auth/verify', url),
    { headers },
    async (answer) => answer,
  ).catch((cause: unknown) => {
    throw new Error(`unknown: no answer from ${url} (${failureOf(cause)})`, { cause })
  })
  const challenge = answer.headers.get('www-authenticate') ?? ''
  // Another server at that address may answer 200 or 401, too, and knows nothing of the token.
  const isOurs =
    answer.status === 200
      ? answer.headers.has('x-auth-subject')
      : /^(?:Bearer|DPoP) realm="cierre"/.test(challenge)
  if (isOurs && challenge.includes(tooLongDescription))
    throw new Error('unknown: the token is longer than the MAX_TOKEN_LENGTH of the service')
  switch (isOurs ? answer.status : 0) {
    case 200: {
      const shown = Object.entries(claimHeaders).flatMap(([name, header]) => {
        const value = decodeURIComponent(answer.headers.get(header) ?? '')
        return value === '' ? [] : [`${name} ${JSON.stringify(value)}`]
      })
      io.stdout.write(`active: ${shown.join(', ')}\n`)
      return 0
    }
    case 401:
      io.stdout.write(
        `not active: ${reasons[answer.headers.get('x-error-reason') ?? ''] ?? 'malformed, not genuine, not for this service, or not valid yet'}\n`,
      )
      return 1
    default:
      io.stderr.write(`unknown: ${url} answered ${answer.status}\n`)
      return 2
  }
}
