import { faultOfSessionKey } from '../sessions.js'
import { checkAlgorithms, checkSecret, readEntryKey, readPublic, readRemote, type KeyConfig } from './issuer-keys.js'
import type { Reader } from './reader.js'

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

const single = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URI', 'JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_TYP', 'JWT_ALGORITHMS',
  'JWT_BACKCHANNEL_AUDIENCE', 'JWT_BACKCHANNEL_TYP', 'JWT_BACKCHANNEL_SCOPE']

/** The issuers of `JWT_*` or of `JWT_ISSUERS`; none when no key is configured at all. */
export function readIssuers(reader: Reader, defaults: Defaults): IssuerConfig[] {
  const many = reader.secret('JWT_ISSUERS')
  if (many === undefined) {
    const issuer = readSingle(reader, defaults)
    return issuer === undefined ? [] : [issuer]
  }
  const beside = [...single, 'JWT_SECRET_FILE', 'JWT_PUBLIC_KEY_FILE'].filter((name) => reader.text(name) !== undefined)
  if (beside.length > 0) reader.fault('JWT_ISSUERS', `stands instead of ${beside.join(', ')}, not beside`)
  return readMany(reader, many, defaults)
}

function readSingle(reader: Reader, defaults: Defaults): IssuerConfig | undefined {
  const secret = reader.secret('JWT_SECRET')
  const publicKey = reader.secret('JWT_PUBLIC_KEY')
  const uri = reader.text('JWT_JWKS_URI')
  const given = [secret, publicKey, uri].filter((source) => source !== undefined)
  if (given.length > 1) reader.fault('JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI:', 'only one of them may be set')
  const named = reader.list('JWT_ALGORITHMS')
  const aimless = single.slice(3).filter((name) => reader.text(name) !== undefined)
  if (given.length === 0 && aimless.length > 0) reader.fault(aimless.join(', '), 'cannot stand without a key in JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URI')
  if (given.length !== 1) return undefined
  const key =
    secret !== undefined ? ({ kind: 'secret', secret } as const)
    : publicKey !== undefined ? readPublic(reader, 'JWT_PUBLIC_KEY', publicKey)
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
      reader.text('JWT_BACKCHANNEL_AUDIENCE') === undefined ? undefined : reader.list('JWT_BACKCHANNEL_AUDIENCE'),
      reader.text('JWT_BACKCHANNEL_TYP'),
      reader.oneOf('JWT_BACKCHANNEL_SCOPE', 'both', backchannelScopes),
    ),
    ...defaults,
  }
}

/** Ten years. */
export const longestSessionS = 315_360_000

const members = ['issuer', 'audience', 'algorithms', 'secret', 'publicKey', 'jwksUri', 'typ', 'sessionMaxLifetimeS', 'sessionKeys',
  'backchannelAudience', 'backchannelTyp', 'backchannelScope']

/** The entries of `JWT_ISSUERS`. */
export function readMany(reader: Reader, text: string, defaults: Defaults): IssuerConfig[] {
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
  const issuers = parsed.flatMap((entry: unknown, at) => readEntry(reader, `JWT_ISSUERS[${at}]`, entry, defaults) ?? [])
  const names = issuers.map(({ issuer }) => issuer)
  if (new Set(names).size < names.length) reader.fault('JWT_ISSUERS', 'names an issuer twice')
  return issuers
}

function readEntry(reader: Reader, at: string, entry: unknown, defaults: Defaults): IssuerConfig | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    reader.fault(at, 'must be an object')
    return undefined
  }
  const given = entry as Record<string, unknown>
  const unknown = Object.keys(given).filter((name) => !members.includes(name))
  if (unknown.length > 0) reader.fault(at, `has members that nobody knows: ${unknown.join(', ')}`)
  const text = (name: string) => {
    const value = given[name]
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    reader.fault(`${at}.${name}`, 'must be a string that is not empty')
    return undefined
  }
  const texts = (name: string) => {
    const value = typeof given[name] === 'string' ? [given[name]] : given[name]
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== '')) return value as string[]
    reader.fault(`${at}.${name}`, 'must be a string or an array of strings')
    return undefined
  }
  const issuer = text('issuer')
  if (issuer === undefined) reader.fault(`${at}.issuer`, 'is missing')
  const key = readEntryKey(reader, at, text('secret'), publicKeyText(given['publicKey']), text('jwksUri'))
  const lifetimeS = given['sessionMaxLifetimeS'] ?? defaults.sessionMaxLifetimeS
  if (!Number.isSafeInteger(lifetimeS) || (lifetimeS as number) < 1 || (lifetimeS as number) > longestSessionS) {
    reader.fault(`${at}.sessionMaxLifetimeS`, `must be a whole number of seconds from 1 to ${longestSessionS}`)
  }
  const sessionKeys = texts('sessionKeys') ?? defaults.sessionKeys
  checkSessionKeys(reader, `${at}.sessionKeys`, sessionKeys)
  const audience = texts('audience')
  const typ = text('typ')
  const scope = backchannelScopes.find((one) => one === (given['backchannelScope'] ?? 'both'))
  if (scope === undefined) reader.fault(`${at}.backchannelScope`, `must be one of ${backchannelScopes.join(', ')}`)
  const logoutTokens = backchannel(texts('backchannelAudience'), text('backchannelTyp'), scope ?? 'both')
  const named = texts('algorithms') ?? []
  if (issuer === undefined || key === undefined) return undefined
  const algorithms = checkAlgorithms(reader, `${at}.algorithms`, named, key)
  checkSecret(reader, `${at}.secret`, key, algorithms)
  return {
    issuer,
    ...(audience !== undefined && { audience }),
    ...(typ !== undefined && { typ }),
    algorithms,
    key,
    sessionMaxLifetimeS: lifetimeS as number,
    sessionKeys,
    ...logoutTokens,
  }
}

function backchannel(audience: readonly string[] | undefined, typ = 'logout+jwt', backchannelScope: BackchannelScope) {
  return {
    ...(audience !== undefined && { backchannelAudience: audience }),
    ...(typ !== anyTyp && { backchannelTyp: typ }),
    backchannelScope,
  }
}

/** In JSON a JWK or JWKS may stand as the object that it is. */
const publicKeyText = (value: unknown) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)

export function checkSessionKeys(reader: Reader, name: string, templates: readonly string[]): void {
  for (const template of templates) {
    const fault = faultOfSessionKey(template)
    if (fault !== undefined) reader.fault(name, `has "${template}", which ${fault}`)
  }
}
