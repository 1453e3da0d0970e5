import { requestWithin } from '../runtime/http-client.js'
import { answerWithinMs, tokenFrom, urlOf, type Io } from './io.js'

const claims = {
  subject: 'x-auth-subject',
  issuer: 'x-auth-issuer',
  session: 'x-auth-session',
  scope: 'x-auth-scope',
}

const reasons: Readonly<Record<string, string>> = {
  revoked: 'revoked',
  expired: 'expired',
  sender_constrained: 'bound to a key (cnf), and not a bearer token',
}

export async function checkToken(io: Io, options: { url?: string }): Promise<number> {
  const url = urlOf(io, options)
  const headers = { Authorization: `Bearer ${await tokenFrom(io)}` }
  const answer = await requestWithin(
    answerWithinMs,
    new URL('/api/v1/auth/verify', url),
    { headers, redirect: 'manual' },
    async (answer) => answer,
  ).catch((cause: unknown) => {
    throw new Error(`unknown: no answer from ${url}`, { cause })
  })
  // Only cierre says these with its own fields; another server at that address knows nothing of the token.
  const isOurs =
    answer.status === 200
      ? answer.headers.has('x-auth-subject')
      : answer.headers.get('www-authenticate')?.match(/^(?:Bearer|DPoP) realm="cierre"/)
  switch (isOurs ? answer.status : 0) {
    case 200: {
      const told = Object.entries(claims).flatMap(([name, field]) => {
        const value = decodeURIComponent(answer.headers.get(field) ?? '')
        return value === '' ? [] : [`${name} ${JSON.stringify(value)}`]
      })
      io.stdout.write(`active: ${told.join(', ')}\n`)
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
