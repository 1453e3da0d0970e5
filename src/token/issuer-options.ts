import type { ClaimMapping, CutoffClaim } from './claim-mapping.js'
import { readMapping } from './claim-options.js'
import {
  checkAlgorithms,
  checkSecretLength,
  isGiven,
  keyMembers,
  parseKeys,
  type IssuerKeys,
  type KeyMember,
} from './issuer-key-options.js'
import { isTemplateValue, parseIssuerName, type IssuerName } from './issuer-name.js'
import {
  backchannelAllowances,
  type BackchannelAllowance,
  type LogoutTokenDemands,
} from './logout-token.js'
import {
  oneOf,
  optional,
  parsedBy,
  someOf,
  text,
  texts,
  wholeNumber,
  type Option,
} from './options.js'
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
  IssuerName &
  ClaimMapping &
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
  cutoffClaim: CutoffClaim
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
  'issuerValues',
  'audience',
  'algorithms',
  'typ',
  'sessionClaim',
  'subjectClaim',
  'audienceClaim',
  'cutoffClaim',
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
  const read: Read = (member, option) => {
    const isLeftOut = given[member] === null && nullable.includes(member)
    return isLeftOut ? undefined : optional(option, given[member], (what) => report(member, what))
  }
  const name = readName(read, report)
  const audience = read('audience', texts)
  if (name.template !== undefined && audience === undefined)
    report(
      'audience',
      'is needed beside an issuer with {claim}, whose tokens are for many audiences',
    )
  const typ = read('typ', text)
  const named = read('algorithms', texts) ?? []
  const forService = readServiceSettings(read, defaults)
  const mapping = readMapping(read, { ...defaults, ...name, report })
  const upstream = readUpstream(
    read,
    { issuer: name.issuer, hasDiscovery: isGiven(given, 'discovery') },
    report,
  )
  read('discovery', oneOf([true, false]))
  const keys = keyMembersOf(given).length > 0 ? parseKeys(given, report) : undefined
  if (keys === undefined) return undefined
  const algorithms = checkAlgorithms(named, keys, (what) => report('algorithms', what))
  checkSecretLength(keys, algorithms, (what) => report('secret', what))
  return {
    ...name,
    ...(audience !== undefined && { audience }),
    ...(typ !== undefined && { typ }),
    algorithms,
    keys,
    ...mapping,
    ...forService,
    ...(upstream !== undefined && { upstream }),
  }
}

type Read = <T>(member: IssuerMember, option: Option<T>) => T | undefined
type ReportMember = (member: IssuerMember, what: string) => void

function readName(read: Read, report: ReportMember): IssuerName {
  const name = read('issuer', parsedBy(parseIssuerName)) ?? {}
  const values = read('issuerValues', texts)
  if (values === undefined) return name
  if (name.template === undefined) {
    report('issuerValues', 'needs an issuer with {claim}')
    return name
  }
  const wrong = values.filter((value) => !isTemplateValue(value))
  if (wrong.length > 0)
    report('issuerValues', `has ${wrong.join(', ')}; only A-Z a-z 0-9 _ - are taken`)
  return { ...name, template: { ...name.template, values } }
}

const readServiceSettings = (read: Read, defaults: IssuerDefaults) => ({
  sessionMaxLifetimeS: read('sessionMaxLifetimeS', sessionLifetime) ?? defaults.sessionMaxLifetimeS,
  sessionKeys: read('sessionKeys', sessionKeyTemplates) ?? defaults.sessionKeys,
  ...backchannel(
    read('backchannelAudience', texts),
    read('backchannelTyp', text),
    read('backchannelAllow', someOf(backchannelAllowances)),
    read('backchannelScope', oneOf(backchannelScopes)),
  ),
})

const readUpstream = (read: Read, of: Parameters<typeof upstreamClient>[1], report: ReportMember) =>
  upstreamClient(
    {
      revocationEndpoint: read('revocationEndpoint', endpoint),
      clientId: read('clientId', text),
      clientSecret: read('clientSecret', text),
      clientPrivateKey: read('clientPrivateKey', privateKey),
    },
    of,
    report,
  )

/** The members that give keys. */
export const keyMembersOf = (
  given: Readonly<Partial<Record<IssuerMember, unknown>>>,
): KeyMember[] => keyMembers.filter((member) => isGiven(given, member))

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
