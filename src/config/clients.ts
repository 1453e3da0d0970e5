import {
  permissions,
  type ClientConfig,
  type Permission,
  type SecretHashes,
} from '../access/client.js'
import { checkAlgorithms, parseKeys } from '../token/issuer-key-options.js'
import { isTexts, readObject, type Option, type Report } from '../token/options.js'
import { jsonArray } from './parsers.js'

const credentialMembers = ['secretSha256', 'jwks', 'jwksUri'] as const
const members = ['id', ...credentialMembers, 'allow', 'audiences', 'claims']

/** The machine clients of `CLIENTS`. */
export const clientList: Option<ClientConfig[]> = {
  fromText: jsonArray.fromText,
  check(value, report) {
    const entries = jsonArray.check(value, report)
    if (entries === undefined) return undefined
    const clients = entries.flatMap(
      (entry, index) =>
        parseClient(entry, (what, member = '') => report(what, `[${index}]${member}`)) ?? [],
    )
    if (new Set(clients.map(({ id }) => id)).size < clients.length) report('names a client twice')
    return clients
  },
}

/** Whether a client authenticates by a secret, and not by keys. */
export const hasSecret = (
  client: ClientConfig,
): client is ClientConfig & Readonly<{ authentication: SecretHashes }> =>
  'secretHashes' in client.authentication

function parseClient(value: unknown, report: Report): ClientConfig | undefined {
  const given = readObject(value, members, report)
  if (given === undefined) return undefined
  const { id, allow, audiences, claims } = given
  const faults = faultsOf({ id, allow, audiences, claims })
  for (const fault of faults) report(fault, ':')
  const authentication = parseAuthentication(given, report)
  if (faults.length > 0 || authentication === undefined) return undefined
  return {
    id: id as string,
    authentication,
    allow: allow as Permission[],
    ...(audiences !== undefined && { audiences: audiences as string[] }),
    ...(claims !== undefined && { claims: claims as string[] }),
  }
}

/** The one credential of an entry: hashes of secrets, or public keys. */
function parseAuthentication(
  given: Readonly<Record<string, unknown>>,
  report: Report,
): ClientConfig['authentication'] | undefined {
  const named = credentialMembers.filter((member) => given[member] !== undefined)
  if (named.length !== 1) {
    report(`must have one of ${credentialMembers.join(', ')}`, ':')
    return undefined
  }
  const { secretSha256, jwks, jwksUri } = given
  if (secretSha256 !== undefined) return parseSecretHashes(secretSha256, report)
  const keys = parseKeys({ publicKey: jwks, jwksUri }, (member, what) =>
    report(what, member === 'publicKey' ? '.jwks' : `.${member}`),
  )
  return keys && { keys, algorithms: checkAlgorithms([], keys, report) }
}

function parseSecretHashes(value: unknown, report: Report): SecretHashes | undefined {
  const hashes = typeof value === 'string' ? [value] : value
  if (isTexts(hashes) && hashes.every((hash) => /^[0-9a-f]{64}$/i.test(hash)))
    return { secretHashes: hashes.map((hash) => Buffer.from(hash, 'hex')) }
  report('secretSha256 must be 64 hex digits, or an array of such', ':')
  return undefined
}

/** Members of introspection that are no claims of the token (RFC 7662 §2.2). */
const membersOfAnswer = ['active', 'token_type']

type Members = Readonly<Record<'id' | 'allow' | 'audiences' | 'claims', unknown>>

function faultsOf({ id, allow, audiences, claims }: Members): string[] {
  const rules: [boolean, string][] = [
    [
      typeof id === 'string' && /^[\x21-\x7e]{1,256}$/.test(id),
      'id must be 1 to 256 visible ASCII characters',
    ],
    [
      isTexts(allow) && allow.every((one) => (permissions as readonly string[]).includes(one)),
      `allow must be an array of ${permissions.join(', ')}`,
    ],
    [audiences === undefined || isTexts(audiences), 'audiences must be an array of strings'],
    [
      audiences === undefined || !isTexts(allow) || !allow.includes('feed'),
      'audiences and the permission feed exclude each other: the feed has no audiences',
    ],
    [
      claims === undefined ||
        (isTexts(claims) && !claims.some((name) => membersOfAnswer.includes(name))),
      `claims must be an array of names of claims, without ${membersOfAnswer.join(' and ')}`,
    ],
  ]
  return rules.flatMap(([isKept, fault]) => (isKept ? [] : fault))
}
