import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ReadStream } from 'node:tty'
import { fileContent } from '../config/parsers.js'
import type { Environment } from '../config/read-variables.js'
import { createAuthorization, type Authorize } from '../token/client-authorization.js'
import { isPrivateOrigin, isSafeOrigin, originRule } from '../runtime/safe-origin.js'
import { createFaults, optional } from '../token/options.js'
import { privateKey, type SigningKey } from '../token/private-key.js'

/** What a command may use of its process. `stopped` resolves at Ctrl-C. */
export type Io = Readonly<{
  env: Environment
  stdin: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>
  stdout: Writable
  stderr: Writable
  stopped: Promise<string>
}>

/** Deadline of a request to the service. */
export const requestTimeoutMs = 10_000

/**
 * The origin of the service: from the option, else from the environment, else the default port on
 * this machine. Tokens and secrets go there.
 *
 * @throws Error when they could be read on the way
 */
export function urlOf({ env }: Io, options: { url?: string | undefined }): string {
  const url = options.url ?? (env['CIERRE_URL'] || 'http://127.0.0.1:3000')
  const isInsecure = env['CIERRE_INSECURE'] === 'true'
  if (isInsecure ? isPrivateOrigin(url) : isSafeOrigin(url)) return url
  const name = options.url === undefined ? 'CIERRE_URL' : '--url'
  const hint = isInsecure ? '' : '; CIERRE_INSECURE=true allows http:// in a private network'
  throw new Error(`${name} ${originRule(isInsecure)}${hint}`)
}

/**
 * The `Authorization` of requests as a machine client.
 *
 * @throws Error that says what is missing or wrong
 */
export function authorizationOf(
  io: Io,
  options: { clientId?: string | undefined; url?: string | undefined },
): Authorize {
  const { env } = io
  const clientId = options.clientId ?? env['CIERRE_CLIENT_ID']
  const clientSecret = env['CIERRE_CLIENT_SECRET'] || undefined
  const keyFile = env['CIERRE_CLIENT_KEY_FILE'] || undefined
  if (clientId === undefined || (clientSecret ?? keyFile) === undefined)
    throw new Error(
      'needs a machine client: --client-id or CIERRE_CLIENT_ID, and CIERRE_CLIENT_SECRET or CIERRE_CLIENT_KEY_FILE',
    )
  if (clientSecret !== undefined && keyFile !== undefined)
    throw new Error('only one of CIERRE_CLIENT_SECRET and CIERRE_CLIENT_KEY_FILE may be set')
  if (clientSecret !== undefined) return createAuthorization({ clientId, clientSecret }, 0)
  const audience = env['CIERRE_AUDIENCE'] || urlOf(io, options)
  return createAuthorization({ clientId, audience, key: readKey(keyFile ?? '') }, 0)
}

function readKey(path: string): SigningKey {
  const faults = createFaults()
  const text = fileContent.check(path, faults.of('CIERRE_CLIENT_KEY_FILE'))
  const key = optional(privateKey, text, faults.of('CIERRE_CLIENT_KEY_FILE'))
  if (key === undefined) throw new Error(faults.lines().join('\n'))
  return key
}

/** What stands before the token in a header. */
const beforeToken = /^(?:authorization: *)?(?:bearer|dpop)(?: +|$)/i

/** Why a request has failed. `fetch` itself says no more than that it failed. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no connection'
  const { message, cause } = error
  if (!(cause instanceof Error)) return message
  return cause.message || String((cause as NodeJS.ErrnoException).code)
}

/**
 * Reads the token from standard input, with or without its `Authorization` header around it. As an
 * argument it would show in the list of processes.
 *
 * @throws Error when there is none, or more than one word
 */
export async function readToken({ stdin, stderr }: Io): Promise<string> {
  if (stdin.isTTY === true) stderr.write('Paste the token, then Enter and Ctrl-D:\n')
  const token = (await text(stdin)).trim().replace(beforeToken, '')
  if (token === '') throw new Error('no token on standard input')
  // No header could carry it, and of several tokens all but one would be left out.
  if (/[^!-~]/.test(token))
    throw new Error('standard input must have one token, without spaces or line ends in it')
  return token
}
