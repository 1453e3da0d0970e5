import {
  checkAlgorithms,
  checkSecretLength,
  keyMembers,
  parseKeys,
  type IssuerKeys,
  type KeyMember,
} from './issuer-key-options.js'
import {
  backchannelAllowances,
  type BackchannelAllowance,
  type LogoutTokenDemands,
} from './logout-token.js'
import { oneOf, optional, someOf, text, texts, wholeNumber, type Option } from './options.js'
import { privateKey } from './private-key.js'
import { faultOfTemplate } from './session-keys.js'
import {
  endpoint,
  upstreamClient,
  upstreamMembers,
  type UpstreamClient,
} from './upstream-options.js'

/** One issuer as it is configured, with every default filled in. */
export type IssuerConfig = Readonly<{
  issuer?: string
  audience?: readonly string[]
  typ?: string
  algorithms: readonly string[]
  keys: IssuerKeys
  sessionMaxLifetimeS: number
  sessionKeys: readonly string[]
  backchannelAudience?: readonly string[]
  backchannelScope: BackchannelScope
  /** Absent: refresh tokens cannot be revoked at the issuer. */
  upstream?: UpstreamClient
}> &
  LogoutTokenDemands

export const backchannelScopes = ['session', 'subject', 'both'] as const
type BackchannelScope = (typeof backchannelScopes)[number]
export const defaultBackchannelScope: BackchannelScope = 'both'
export const defaultBackchannelTyp = 'logout+jwt'

/** A `backchannelTyp` that means `typ-jwt` and `typ-absent`. */
const anyTyp = 'any'

/** The settings that an issuer takes from the service when it has none of its own. */
export type IssuerDefaults = Readonly<{
  sessionMaxLifetimeS: number
  sessionKeys: readonly string[]
}>

/** Ten years. */
const longestSessionS = 315_360_000
export const sessionLifetime = wholeNumber(1, longestSessionS)

/** Key templates of session data. */
export const sessionKeyTemplates: Option<string[]> = {
  fromText: texts.fromText,
  check: (value, report) => {
    const templates = texts.check(value, report)
    for (const template of templates ?? []) {
      const fault = faultOfTemplate(template)
      if (fault !== undefined) report(`has "${template}", which ${fault}`)
    }
    return templates
  },
}

/** The settings that say how tokens of an issuer are verified. */
export const verificationMembers = [
  'issuer',
  'audience',
  'algorithms',
  'typ',
  ...keyMembers,
] as const

/** The settings that only the service has a use for. */
export const serviceMembers = [
  'sessionMaxLifetimeS',
  'sessionKeys',
  'backchannelAudience',
  'backchannelTyp',
  'backchannelAllow',
  'backchannelScope',
  ...upstreamMembers,
] as const

export type IssuerMember = (typeof verificationMembers | typeof serviceMembers)[number]

/** The members for which JSON's `null` counts as left out. */
const nullable: readonly IssuerMember[] = ['sessionMaxLifetimeS', 'backchannelScope']

/**
 * Parses the settings of one issuer, wherever they come from: the variables `JWT_*`, an entry of
 * `JWT_ISSUERS`, or an entry of a guard.
 *
 * @param report takes what is wrong with a member
 * @returns nothing when a key is wrong, or when there is none; the caller reports the latter
 */
export function parseIssuer(
  given: Readonly<Partial<Record<IssuerMember, unknown>>>,
  defaults: IssuerDefaults,
  report: (member: IssuerMember, what: string) => void,
): IssuerConfig | undefined {
  const read = <T>(member: IssuerMember, option: Option<T>) => {
    const isLeftOut = given[member] === null && nullable.includes(member)
    return isLeftOut ? undefined : optional(option, given[member], (what) => report(member, what))
  }
  const issuer = read('issuer', text)
  const audience = read('audience', texts)
  const typ = read('typ', text)
  const named = read('algorithms', texts) ?? []
  const forService = {
    sessionMaxLifetimeS:
      read('sessionMaxLifetimeS', sessionLifetime) ?? defaults.sessionMaxLifetimeS,
    sessionKeys: read('sessionKeys', sessionKeyTemplates) ?? defaults.sessionKeys,
    ...backchannel(
      read('backchannelAudience', texts),
      read('backchannelTyp', text),
      read('backchannelAllow', someOf(backchannelAllowances)),
      read('backchannelScope', oneOf(backchannelScopes)),
    ),
  }
  const upstream = upstreamClient(
    {
      revocationEndpoint: read('revocationEndpoint', endpoint),
      clientId: read('clientId', text),
      clientSecret: read('clientSecret', text),
      clientPrivateKey: read('clientPrivateKey', privateKey),
    },
    issuer,
    report,
  )
  const keys = keyMembersOf(given).length > 0 ? parseKeys(given, report) : undefined
  if (keys === undefined) return undefined
  const algorithms = checkAlgorithms(named, keys, (what) => report('algorithms', what))
  checkSecretLength(keys, algorithms, (what) => report('secret', what))
  return {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(typ !== undefined && { typ }),
    algorithms,
    keys,
    ...forService,
    ...(upstream !== undefined && { upstream }),
  }
}

/** The members that give keys. */
export const keyMembersOf = (
  given: Readonly<Partial<Record<IssuerMember, unknown>>>,
): KeyMember[] => keyMembers.filter((member) => given[member] !== undefined)

function backchannel(
  audience: readonly string[] | undefined,
  typ = defaultBackchannelTyp,
  allow: readonly BackchannelAllowance[] = [],
  backchannelScope = defaultBackchannelScope,
) {
  const demands: LogoutTokenDemands =
    typ === anyTyp
      ? {
          backchannelTyp: defaultBackchannelTyp,
          backchannelAllow: [...new Set([...allow, 'typ-jwt', 'typ-absent'] as const)],
        }
      : { backchannelTyp: typ, backchannelAllow: allow }
  return {
    ...(audience !== undefined && { backchannelAudience: audience }),
    ...demands,
    backchannelScope,
  }
}
