import { permissions, type Client, type Permission } from '../access/clients.js'
import type { Reader } from '../token/option-reader.js'

const members = ['id', 'secretSha256', 'allow', 'audiences']

/** The machine clients of `CLIENTS`. */
export function readClients(reader: Reader): Client[] {
  const text = reader.secret('CLIENTS')
  if (text === undefined) return []
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  if (!Array.isArray(parsed)) {
    reader.fault('CLIENTS', 'must be a JSON array')
    return []
  }
  const clients = parsed.flatMap(
    (entry: unknown, at) => readClient(reader, `CLIENTS[${at}]`, entry) ?? [],
  )
  if (new Set(clients.map(({ id }) => id)).size < clients.length)
    reader.fault('CLIENTS', 'names a client twice')
  return clients
}

function readClient(reader: Reader, at: string, entry: unknown): Client | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    reader.fault(at, 'must be an object')
    return undefined
  }
  const { id, secretSha256, allow, audiences } = entry as Record<string, unknown>
  const unknown = Object.keys(entry).filter((name) => !members.includes(name))
  if (unknown.length > 0) reader.fault(at, `has members that nobody knows: ${unknown.join(', ')}`)
  const hashes = typeof secretSha256 === 'string' ? [secretSha256] : secretSha256
  const checks: [boolean, string][] = [
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
  ]
  const wrong = checks.filter(([isGood]) => !isGood)
  for (const [, message] of wrong) reader.fault(`${at}:`, message)
  if (wrong.length > 0) return undefined
  return {
    id: id as string,
    secretHashes: (hashes as string[]).map((hash) => Buffer.from(hash, 'hex')),
    allow: allow as Permission[],
    ...(audiences !== undefined && { audiences: audiences as string[] }),
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => typeof one === 'string' && one !== '')
