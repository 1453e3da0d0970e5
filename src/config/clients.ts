import { permissions, type Client, type Permission } from '../access/clients.js'
import { isTexts, readObject, type Option, type Report } from '../token/options.js'
import { jsonArray } from './parsers.js'

const members = ['id', 'secretSha256', 'allow', 'audiences', 'claims']

/** The machine clients of `CLIENTS`. */
export const clientList: Option<Client[]> = {
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

function parseClient(value: unknown, report: Report): Client | undefined {
  const given = readObject(value, members, report)
  if (given === undefined) return undefined
  const { id, secretSha256, allow, audiences, claims } = given
  const hashes = typeof secretSha256 === 'string' ? [secretSha256] : secretSha256
  const faults = faultsOf({ id, hashes, allow, audiences, claims })
  for (const fault of faults) report(fault, ':')
  if (faults.length > 0) return undefined
  return {
    id: id as string,
    secretHashes: (hashes as string[]).map((hash) => Buffer.from(hash, 'hex')),
    allow: allow as Permission[],
    ...(audiences !== undefined && { audiences: audiences as string[] }),
    ...(claims !== undefined && { claims: claims as string[] }),
  }
}

/** Members of introspection that are no claims of the token (RFC 7662 §2.2). */
const membersOfAnswer = ['active', 'token_type']

type Members = Readonly<Record<'id' | 'hashes' | 'allow' | 'audiences' | 'claims', unknown>>

function faultsOf({ id, hashes, allow, audiences, claims }: Members): string[] {
  const rules: [boolean, string][] = [
    [
      typeof id === 'string' && /^[\x21-\x7e]{1,256}$/.test(id),
      'id must be 1 to 256 visible ASCII characters',
    ],
    [
      isTexts(hashes) && hashes.every((hash) => /^[0-9a-f]{64}$/i.test(hash)),
      'secretSha256 must be 64 hex digits, or an array of such',
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
