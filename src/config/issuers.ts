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
/** The members without a `JWT_*` variable: the service has `SESSION_*`, the agent needs none. */
type SessionMember = keyof IssuerDefaults

/**
 * The variables that configure a single issuer, and what each of them is in an entry of
 * `JWT_ISSUERS`.
 */
const memberVariables = {
  secret: 'JWT_SECRET',
  publicKey: 'JWT_PUBLIC_KEY',
  jwksUri: 'JWT_JWKS_URI',
  issuer: 'JWT_ISSUER',
  audience: 'JWT_AUDIENCE',
  typ: 'JWT_TYP',
  algorithms: 'JWT_ALGORITHMS',
  backchannelAudience: 'JWT_BACKCHANNEL_AUDIENCE',
  backchannelTyp: 'JWT_BACKCHANNEL_TYP',
  backchannelAllow: 'JWT_BACKCHANNEL_ALLOW',
  backchannelScope: 'JWT_BACKCHANNEL_SCOPE',
  revocationEndpoint: 'JWT_REVOCATION_ENDPOINT',
  clientId: 'JWT_CLIENT_ID',
  clientSecret: 'JWT_CLIENT_SECRET',
  clientPrivateKey: 'JWT_CLIENT_PRIVATE_KEY',
} as const satisfies Record<Exclude<IssuerMember, SessionMember>, keyof typeof issuerVariables>

const keyVariables = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URI'] as const
/** How tokens are verified with these keys. Without a key these variables mean nothing. */
const verificationVariables = [
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_TYP',
  'JWT_ALGORITHMS',
  'JWT_BACKCHANNEL_AUDIENCE',
  'JWT_BACKCHANNEL_TYP',
  'JWT_BACKCHANNEL_ALLOW',
  'JWT_BACKCHANNEL_SCOPE',
  'JWT_REVOCATION_ENDPOINT',
  'JWT_CLIENT_ID',
  'JWT_CLIENT_SECRET',
  'JWT_CLIENT_PRIVATE_KEY',
] as const
const singleIssuerVariables = [...keyVariables, ...verificationVariables]

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
  const hasKey = namesSet(keyVariables).length > 0
  const verification = namesSet(verificationVariables)
  if (!hasKey && verification.length > 0)
    faults.report(
      verification.join(', '),
      'cannot stand without a key in JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URI',
    )
  if (!hasKey) return undefined
  return parseIssuer(entryOf(values), defaults, (member, what) =>
    faults.report(memberVariables[member as Exclude<IssuerMember, SessionMember>], what),
  )
}

const entryOf = (values: ValuesOf<typeof issuerVariables>) =>
  Object.fromEntries(
    Object.entries(memberVariables).map(([member, name]) => [member, values[name]]),
  )
