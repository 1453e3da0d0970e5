import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ReadStream } from 'node:tty'
import type { MachineCredentials } from '../client/client.js'
import type { Environment } from '../config/read-variables.js'

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
 * this machine.
 */
export const urlOf = ({ env }: Io, { url }: { url?: string | undefined }): string =>
  url ?? env['CIERRE_URL'] ?? 'http://127.0.0.1:3000'

/** @throws Error that says what is missing */
export function credentialsOf(
  { env }: Io,
  options: { clientId?: string | undefined },
): MachineCredentials {
  const clientId = options.clientId ?? env['CIERRE_CLIENT_ID']
  const clientSecret = env['CIERRE_CLIENT_SECRET']
  if (clientId === undefined || clientSecret === undefined) {
    throw new Error(
      'needs a machine client: --client-id or CIERRE_CLIENT_ID, and CIERRE_CLIENT_SECRET',
    )
  }
  return { clientId, clientSecret }
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
