import type { RevocationReason } from '../audit/event.js'
import { createClient, type RevocationRequest, type RevocationResult } from '../client/client.js'
import { nearest } from '../runtime/nearest.js'
import {
  clientOption,
  issuerOptions,
  serviceOption,
  wholeNumber,
  type CliCommand,
} from './command.js'
import { authorizationOf, failureOf, readToken, urlOf, type Io } from './io.js'

const reasons: RevocationReason[] = [
  'user_logout',
  'admin',
  'password_change',
  'compromised',
  'account_disabled',
  'replay',
]

export const revokeCommand: CliCommand = {
  name: 'revoke',
  help: 'revoke a subject, a session, a token id, or the token on standard input; there is no undo',
  options: [
    {
      flags: '--reason <word>',
      help: 'why, for the audit trail',
      isRequired: true,
      choices: reasons,
    },
    ...issuerOptions,
    { flags: '--sub <subject>', help: 'every token of a subject that was issued until now' },
    { flags: '--sid <session>', help: 'every token of a session' },
    { flags: '--jti <id>', help: 'one token; needs --exp' },
    {
      flags: '--exp <time>',
      help: 'when that token expires, in epoch seconds',
      parse: wholeNumber,
    },
    serviceOption,
    clientOption,
  ],
  run: revoke,
}

type Options = {
  reason: RevocationReason
  /** `false`: `--no-iss`. */
  iss?: string | false
  sub?: string
  sid?: string
  jti?: string
  exp?: number
  url?: string
  clientId?: string
}

async function revoke(io: Io, options: Options): Promise<number> {
  const client = createClient({
    baseUrl: urlOf(io, options),
    credentials: { getAuthorization: authorizationOf(io, options) },
  })
  return report(io, options, await client.revoke(await requestOf(io, options)))
}

async function requestOf(
  io: Io,
  { reason, iss, sub, sid, jti, exp }: Options,
): Promise<RevocationRequest> {
  const named = [sub, sid, jti].filter((name) => name !== undefined)
  if (named.length > 1)
    throw new Error('only one of --sub, --sid and --jti can be revoked at a time')
  if (named.length === 0) return { token: await readToken(io), reason }
  const common = { reason, ...(iss !== undefined && { iss: iss === false ? null : iss }) }
  if (sub !== undefined) return { sub, ...common }
  if (sid !== undefined) return { sid, ...common }
  if (exp === undefined) throw new Error('--jti needs --exp')
  return { jti: jti as string, exp, ...common }
}

type Stored = (RevocationResult & { status: 200 })['body']
type Refused = RevocationResult & { status: 400 | 404 | 405 | 408 | 413 | 415 | 429 | 431 | 501 }

/** What is wrong with a request, and what would be right. */
function faultOf(refused: Refused, iss: Options['iss']): string {
  const { status, body, reason } = refused
  const [fault] = 'details' in body ? body.details : []
  if (fault === undefined)
    return `${status} ${body.message}${reason === undefined ? '' : ` (${reason})`}`
  const { path, rule, values = [] } = fault
  if (path === 'body.token')
    return rule === 'is not valid'
      ? 'the token is not genuine, or not of this service'
      : `the token ${rule}`
  if (path === 'body') return `the request ${rule}`
  if (path !== 'body.iss') return `--${path.replace('body.', '')} ${rule}`
  if (values.length === 0)
    return 'the service checks no issuer (JWT_ISSUER): give the iss of the tokens by --iss, or --no-iss if they have none'
  const near = typeof iss === 'string' ? nearest(iss, values) : undefined
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  const what = iss === undefined ? '--iss is needed' : 'the service does not have that issuer'
  return `${what}.${hint} It has: ${values.join(', ')}`
}

function storedText({ key, effectiveAt, keptUntil, tokensWithoutIssuedAt }: Stored): string {
  // The time of a subject is its cutoff, that of any other key the time of the answer.
  const issued = key.startsWith('u:') ? `, every token issued until ${effectiveAt}` : ''
  const kept = keptUntil === null ? 'for ever' : `until ${keptUntil}`
  const stored = `revoked ${key}${issued}, kept ${kept}`
  return tokensWithoutIssuedAt === undefined
    ? stored
    : `${stored}\nuntil then tokens without iat are refused, those of later logins, too`
}

function report({ stdout, stderr }: Io, { iss }: Options, result: RevocationResult): number {
  switch (result.status) {
    case 200:
      stdout.write(`${storedText(result.body)}\n`)
      return 0
    case undefined:
      stderr.write(`unknown: no answer (${failureOf(result.cause)}); repeating is safe\n`)
      return 2
    case 503:
      stderr.write('unknown: the service does not know at the moment; repeating is safe\n')
      return 2
    case 401:
      stderr.write('refused: the client is not known, or its secret is wrong\n')
      return 1
    case 403:
      stderr.write('refused: the client may not do this\n')
      return 1
    case 400:
    case 404:
    case 405:
    case 408:
    case 413:
    case 415:
    case 429:
    case 431:
    case 501:
      stderr.write(`refused: ${faultOf(result, iss)}\n`)
      return 1
  }
}
