import { faultOfSessionKey } from './session-keys.js'
import {
  checkAlgorithms,
  checkSecret,
  readEntryKey,
  readPublic,
  readRemote,
  type KeyConfig,
} from './issuer-key-options.js'
import type { Reader } from './option-reader.js'

export type IssuerConfig = Readonly<{
  issuer?: string
  audience?: readonly string[]
  typ?: string
  algorithms: readonly string[]
  key: KeyConfig
  sessionMaxLifetimeS: number
  sessionKeys: readonly string[]
  backchannelAudience?: readonly string[]
  backchannelTyp?: string
  backchannelScope: BackchannelScope
}>

export const backchannelScopes = ['session', 'subject', 'both'] as const
type BackchannelScope = (typeof backchannelScopes)[number]

/** `typ` that stands for "unchecked", for providers that send none or their own. */
const anyTyp = 'any'

type Defaults = Readonly<{ sessionMaxLifetimeS: number; sessionKeys: readonly string[] }>

const single = [
  'JWT_SECRET',
  'JWT_PUBLIC_KEY',
  'JWT_JWKS_URI',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_TYP',
  'JWT_ALGORITHMS',
  'JWT_BACKCHANNEL_AUDIENCE',
  'JWT_BACKCHANNEL_TYP',
  'JWT_BACKCHANNEL_SCOPE',
]

/** The issuers of `JWT_*` or of `JWT_ISSUERS`; none when no key is configured at all. */
export function readIssuers(reader: Reader, defaults: Defaults): IssuerConfig[] {
  const many = reader.secret('JWT_ISSUERS')
  if (many === undefined) {
    const issuer = readSingle(reader, defaults)
    return issuer === undefined ? [] : [issuer]
  }
  const beside = [...single, 'JWT_SECRET_FILE', 'JWT_PUBLIC_KEY_FILE'].filter(
    (name) => reader.text(name) !== undefined,
  )
  if (beside.length > 0)
    reader.fault('JWT_ISSUERS', `stands instead of ${beside.join(', ')}, not beside`)
  return readMany(reader, many, defaults)
}

function readSingle(reader: Reader, defaults: Defaults): IssuerConfig | undefined {
  const secret = reader.secret('JWT_SECRET')
  const publicKey = reader.secret('JWT_PUBLIC_KEY')
  const uri = reader.text('JWT_JWKS_URI')
  const given = [secret, publicKey, uri].filter((source) => source !== undefined)
  if (given.length > 1)
    reader.fault('JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI:', 'only one of them may be set')
  const named = reader.list('JWT_ALGORITHMS')
  const aimless = single.slice(3).filter((name) => reader.text(name) !== undefined)
  if (given.length === 0 && aimless.length > 0)
    reader.fault(
      aimless.join(', '),
      'cannot stand without a key in JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URI',
    )
  if (given.length !== 1) return undefined
  const key =
    secret !== undefined
      ? ({ kind: 'secret', secret } as const)
      : publicKey !== undefined
        ? readPublic(reader, 'JWT_PUBLIC_KEY', publicKey)
        : readRemote(reader, 'JWT_JWKS_URI', uri)
  if (key === undefined) return undefined
  const algorithms = checkAlgorithms(reader, 'JWT_ALGORITHMS', named, key)
  checkSecret(reader, 'JWT_SECRET', key, algorithms)
  const issuer = reader.text('JWT_ISSUER')
  const audience = reader.text('JWT_AUDIENCE')
  const typ = reader.text('JWT_TYP')
  return {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience: [audience] }),
    ...(typ !== undefined && { typ }),
    algorithms,
    key,
    ...backchannel(
      reader.text('JWT_BACKCHANNEL_AUDIENCE') === undefined
        ? undefined
        : reader.list('JWT_BACKCHANNEL_AUDIENCE'),
      reader.text('JWT_BACKCHANNEL_TYP'),
      reader.oneOf('JWT_BACKCHANNEL_SCOPE', 'both', backchannelScopes),
    ),
    ...defaults,
  }
}

/** Ten years. */
export const longestSessionS = 315_360_000

const verificationMembers = [
  'issuer',
  'audience',
  'algorithms',
  'secret',
  'publicKey',
  'jwksUri',
  'typ',
]
const keyMembers = ['secret', 'publicKey', 'jwksUri']
const serviceMembers = [
  'sessionMaxLifetimeS',
  'sessionKeys',
  'backchannelAudience',
  'backchannelTyp',
  'backchannelScope',
]

/** How entries are read, which the service and a guard do differently. */
type EntryRules = Readonly<{ defaults: Defaults; isForGuard: boolean; needsIssuer: boolean }>

/** The entries of `JWT_ISSUERS`. */
function readMany(reader: Reader, text: string, defaults: Defaults): IssuerConfig[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Without the parser's message, which quotes secrets.
    parsed = undefined
  }
  if (!Array.isArray(parsed) || parsed.length === 0) {
    reader.fault('JWT_ISSUERS', 'must be a JSON array that is not empty')
    return []
  }
  return readEntries(reader, 'JWT_ISSUERS', parsed, {
    defaults,
    isForGuard: false,
    needsIssuer: true,
  })
}

/**
 * The entries of a guard, in the option of this name. They hold what verification needs and nothing else; a single entry may leave its
 * issuer out, which then is unchecked, as the service does without `JWT_ISSUER`.
 */
export function readGuardEntries(reader: Reader, name: string, entries: unknown): IssuerConfig[] {
  if (!Array.isArray(entries) || entries.length === 0) {
    reader.fault(name, 'must be an array of entries that is not empty')
    return []
  }
  const defaults = { sessionKeys: [], sessionMaxLifetimeS: 1 }
  return readEntries(reader, name, entries, {
    defaults,
    isForGuard: true,
    needsIssuer: entries.length > 1,
  })
}

function readEntries(
  reader: Reader,
  name: string,
  entries: readonly unknown[],
  rules: EntryRules,
): IssuerConfig[] {
  const issuers = entries.flatMap(
    (entry, at) => readEntry(reader, `${name}[${at}]`, entry, rules) ?? [],
  )
  const names = issuers.flatMap(({ issuer }) => issuer ?? [])
  if (new Set(names).size < names.length) reader.fault(name, 'names an issuer twice')
  return issuers
}

function checkMembers(
  reader: Reader,
  at: string,
  given: Record<string, unknown>,
  { isForGuard, needsIssuer }: EntryRules,
): void {
  const names = Object.keys(given)
  const unknown = names.filter(
    (name) => !verificationMembers.includes(name) && !serviceMembers.includes(name),
  )
  if (unknown.length > 0) reader.fault(at, `has members that nobody knows: ${unknown.join(', ')}`)
  if (given['issuer'] === undefined && needsIssuer)
    reader.fault(
      `${at}.issuer`,
      isForGuard ? 'is missing, which only a single entry may leave out' : 'is missing',
    )
  if (!isForGuard) return
  const ofService = serviceMembers.filter((name) => given[name] !== undefined)
  if (ofService.length > 0)
    reader.fault(
      at,
      `has ${ofService.join(', ')}: settings of the service, which a guard has no use for`,
    )
  // What an environment variable that is not set gives.
  const unset = keyMembers.filter((name) => names.includes(name) && given[name] === undefined)
  if (keyMembers.every((name) => given[name] === undefined))
    for (const name of unset) reader.fault(`${at}.${name}`, 'is undefined')
}

/** Members of an entry, each with its fault when it is of another type. */
function membersOf(reader: Reader, at: string, given: Record<string, unknown>) {
  return {
    text(name: string): string | undefined {
      const value = given[name]
      if (value === undefined || (typeof value === 'string' && value !== '')) return value
      reader.fault(`${at}.${name}`, 'must be a string that is not empty')
      return undefined
    },
    texts(name: string): string[] | undefined {
      const value = typeof given[name] === 'string' ? [given[name]] : given[name]
      if (value === undefined) return undefined
      if (
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((one) => typeof one === 'string' && one !== '')
      )
        return value as string[]
      reader.fault(`${at}.${name}`, 'must be a string or an array of strings')
      return undefined
    },
  }
}

function readEntry(
  reader: Reader,
  at: string,
  entry: unknown,
  rules: EntryRules,
): IssuerConfig | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    reader.fault(at, 'must be an object')
    return undefined
  }
  const given = entry as Record<string, unknown>
  checkMembers(reader, at, given, rules)
  const { text, texts } = membersOf(reader, at, given)
  const issuer = text('issuer')
  const key = readEntryKey(
    reader,
    at,
    text('secret'),
    publicKeyText(given['publicKey']),
    text('jwksUri'),
  )
  const ofService = readServiceMembers(reader, at, rules.isForGuard ? {} : given, rules.defaults)
  const audience = texts('audience')
  const typ = text('typ')
  const named = texts('algorithms') ?? []
  if (key === undefined || (issuer === undefined && rules.needsIssuer)) return undefined
  const algorithms = checkAlgorithms(reader, `${at}.algorithms`, named, key)
  checkSecret(reader, `${at}.secret`, key, algorithms)
  return {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(typ !== undefined && { typ }),
    algorithms,
    key,
    ...ofService,
  }
}

function readServiceMembers(
  reader: Reader,
  at: string,
  given: Record<string, unknown>,
  defaults: Defaults,
) {
  const { text, texts } = membersOf(reader, at, given)
  const lifetimeS = given['sessionMaxLifetimeS'] ?? defaults.sessionMaxLifetimeS
  if (
    !Number.isSafeInteger(lifetimeS) ||
    (lifetimeS as number) < 1 ||
    (lifetimeS as number) > longestSessionS
  ) {
    reader.fault(
      `${at}.sessionMaxLifetimeS`,
      `must be a whole number of seconds from 1 to ${longestSessionS}`,
    )
  }
  const sessionKeys = texts('sessionKeys') ?? defaults.sessionKeys
  checkSessionKeys(reader, `${at}.sessionKeys`, sessionKeys)
  const scope = backchannelScopes.find((one) => one === (given['backchannelScope'] ?? 'both'))
  if (scope === undefined)
    reader.fault(`${at}.backchannelScope`, `must be one of ${backchannelScopes.join(', ')}`)
  const logoutTokens = backchannel(
    texts('backchannelAudience'),
    text('backchannelTyp'),
    scope ?? 'both',
  )
  return { sessionMaxLifetimeS: lifetimeS as number, sessionKeys, ...logoutTokens }
}

function backchannel(
  audience: readonly string[] | undefined,
  typ = 'logout+jwt',
  backchannelScope: BackchannelScope,
) {
  return {
    ...(audience !== undefined && { backchannelAudience: audience }),
    ...(typ !== anyTyp && { backchannelTyp: typ }),
    backchannelScope,
  }
}

/** In JSON a JWK or JWKS may stand as the object that it is. */
function publicKeyText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  try {
    return JSON.stringify(value)
  } catch {
    // An object that is no JSON is no key; readEntryKey says so.
    return value
  }
}

export function checkSessionKeys(reader: Reader, name: string, templates: readonly string[]): void {
  for (const template of templates) {
    const fault = faultOfSessionKey(template)
    if (fault !== undefined) reader.fault(name, `has "${template}", which ${fault}`)
  }
}
