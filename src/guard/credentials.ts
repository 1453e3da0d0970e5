import { isPrivateOrigin, isSafeOrigin, originRule } from '../runtime/safe-origin.js'
import {
  createAuthorization,
  type Authorize,
  type MachineClient,
} from '../token/client-authorization.js'
import { oneOf, optional, text } from '../token/options.js'
import { privateKey } from '../token/private-key.js'

/** The origin of the service, and the machine client that requests are sent as. */
export type Credentials = Readonly<{ url: string; client: MachineClient }>

export const credentialNames = [
  'url',
  'clientId',
  'clientSecret',
  'clientPrivateKey',
  'audience',
  'insecure',
] as const

type Given = Readonly<Record<string, unknown>>
type ReportName = (name: string, what: string) => void

/**
 * Reads the credentials among some options. `report` gets the name of a wrong option, and its
 * fault.
 */
export function readCredentials(given: Given, report: ReportName): Credentials {
  const url = readText(given, 'url', report)
  const clientId = readText(given, 'clientId', report)
  const credentials = { url, client: readClient(given, { url, clientId }, report) }
  const insecure = optional(oneOf([true, false]), given['insecure'], (what) =>
    report('insecure', what),
  )
  const isTaken = insecure === true ? isPrivateOrigin : isSafeOrigin
  if (url !== '' && !isTaken(url)) report('url', originRule(insecure === true))
  return credentials
}

function readText(given: Given, name: string, report: ReportName): string {
  const value = given[name]
  // A lone surrogate has no UTF-8 form, so it cannot be sent.
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value
  report(name, value === undefined ? 'is undefined' : 'must be a string that is not empty')
  return ''
}

function readClient(
  given: Given,
  { url, clientId }: Readonly<{ url: string; clientId: string }>,
  report: ReportName,
): MachineClient {
  if (given['clientPrivateKey'] === undefined)
    return { clientId, clientSecret: readText(given, 'clientSecret', report) }
  if (given['clientSecret'] !== undefined)
    report('clientPrivateKey', 'stands instead of a client secret, not beside')
  const key = privateKey.check(given['clientPrivateKey'], (what) =>
    report('clientPrivateKey', what),
  )
  const named = optional(text, given['audience'], (what) => report('audience', what))
  if (key === undefined) return { clientId, clientSecret: '' }
  return { clientId, key, audience: named ?? (URL.canParse(url) ? new URL(url).origin : url) }
}

/** For how long a guard uses an assertion again. The service takes it for 60 s. */
const reuseMs = 30_000

/** Gives the `Authorization` of a guard's requests, none of which revokes. */
export const authorizationOf = ({ client }: Credentials): Authorize =>
  createAuthorization(client, reuseMs)

/**
 * Warns of a secret that is sent in clear: of a URL that is taken for the sake of `insecure` alone.
 *
 * @param name what the URL is called
 */
export function warnOfClearText(name: string, { url }: Credentials): void {
  if (isSafeOrigin(url)) return
  process.emitWarning(
    `${name} is ${url}: anyone in that network can read its secret, and forge its answers`,
    { code: 'CIERRE_INSECURE' },
  )
}
