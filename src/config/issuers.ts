import { parseServiceEntries } from '../token/issuer-entries.js'
import {
  parseIssuer,
  type IssuerConfig,
  type IssuerDefaults,
  type IssuerMember,
} from '../token/issuer-options.js'
import type { Faults } from '../token/options.js'
import type { Given } from './read-variables.js'
import type { issuerVariables } from './shared-variables.js'
import type { ValuesOf } from './variable.js'

type Settings = Given<typeof issuerVariables>
/** The members without a `JWT_*` variable: those of all issuers stand in other sections. */
type SharedMember = keyof IssuerDefaults

/**
 * The variables that configure a single issuer, and what each of them is in an entry of
 * `JWT_ISSUERS`.
 */
const memberVariables = {
  secret: 'JWT_SECRET',
  publicKey: 'JWT_PUBLIC_KEY',
  jwksUri: 'JWT_JWKS_URI',
  discovery: 'JWT_DISCOVERY',
  issuer: 'JWT_ISSUER',
  audience: 'JWT_AUDIENCE',
  issuerValues: 'JWT_ISSUER_VALUES',
  typ: 'JWT_TYP',
  sessionClaim: 'JWT_SESSION_CLAIM',
  subjectClaim: 'JWT_SUBJECT_CLAIM',
  audienceClaim: 'JWT_AUDIENCE_CLAIM',
  algorithms: 'JWT_ALGORITHMS',
  backchannelAudience: 'JWT_BACKCHANNEL_AUDIENCE',
  backchannelTyp: 'JWT_BACKCHANNEL_TYP',
  backchannelAllow: 'JWT_BACKCHANNEL_ALLOW',
  backchannelScope: 'JWT_BACKCHANNEL_SCOPE',
  revocationEndpoint: 'JWT_REVOCATION_ENDPOINT',
  clientId: 'JWT_CLIENT_ID',
  clientSecret: 'JWT_CLIENT_SECRET',
  clientPrivateKey: 'JWT_CLIENT_PRIVATE_KEY',
} as const satisfies Record<Exclude<IssuerMember, SharedMember>, keyof typeof issuerVariables>

const keyVariables = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URI'] as const
const singleIssuerVariables = Object.values(memberVariables)

/** Whether any variable of an issuer is set. Otherwise a development service makes a key. */
export const hasIssuerVariables = ({ namesSet }: Settings): boolean =>
  namesSet([...singleIssuerVariables, 'JWT_ISSUERS']).length > 0

/** The issuers of `JWT_ISSUERS`, or the one of `JWT_*`; none when no key is configured. */
export function issuersOf(
  given: Settings,
  defaults: IssuerDefaults,
  faults: Faults,
): IssuerConfig[] {
  const { values, isSet, namesSet } = given
  if (!isSet('JWT_ISSUERS')) {
    const issuer = singleIssuer(given, defaults, faults)
    return issuer === undefined ? [] : [issuer]
  }
  const beside = namesSet(singleIssuerVariables)
  if (beside.length > 0)
    faults.report('JWT_ISSUERS', `stands instead of ${beside.join(', ')}, not beside`)
  return parseServiceEntries(values.JWT_ISSUERS ?? [], defaults, faults.of('JWT_ISSUERS'))
}

function singleIssuer(
  { values, namesSet }: Settings,
  defaults: IssuerDefaults,
  faults: Faults,
): IssuerConfig | undefined {
  const named = namesSet(singleIssuerVariables)
  const hasKey = values.JWT_DISCOVERY === true || namesSet(keyVariables).length > 0
  if (!hasKey && named.length > 0)
    faults.report(
      named.join(', '),
      'cannot stand without a key: JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_DISCOVERY=true',
    )
  if (!hasKey) return undefined
  return parseIssuer(entryOf(values), defaults, (member, what) =>
    faults.report(memberVariables[member as Exclude<IssuerMember, SharedMember>], what),
  )
}

const entryOf = (values: ValuesOf<typeof issuerVariables>) =>
  Object.fromEntries(
    Object.entries(memberVariables).map(([member, name]) => [member, values[name]]),
  )
