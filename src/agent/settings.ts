import type { Client } from '../access/client.js'
import { agentVariables, type AgentValues } from '../config/agent-variables.js'
import { hasSecret } from '../config/clients.js'
import { ConfigError } from '../config/config.js'
import { hasIssuerVariables, issuersOf } from '../config/issuers.js'
import { readVariables, type Environment, type Given } from '../config/read-variables.js'
import { readCredentials, type Credentials } from '../guard/credentials.js'
import { refuseUnknown } from '../guard/fallback.js'
import { systemClock, type GuardSettings } from '../guard/options.js'
import { guardDefaults } from '../token/issuer-entries.js'
import { createFaults, type Faults } from '../token/options.js'

/** What the environment says, parsed once. */
export type AgentSettings = Readonly<{
  guard: GuardSettings
  /** Where checks are answered; at least one of `port` and `socket` is there. */
  checks: Readonly<{ host: string; port: number | undefined; socket: string | undefined }>
  /** Absent: every request is a check. */
  prefix: string | undefined
  authClaims: readonly string[]
  /** Absent: no health, no metrics, no introspection. */
  admin: Readonly<{ host: string; port: number }> | undefined
  /** The clients that may introspect. Empty: any client, if `admin.host` is a loopback address. */
  clients: readonly Client[]
  logLevel: AgentValues['LOG_LEVEL']
}>

/** About how many verified tokens the agent remembers. */
const maxRemembered = 65_536

/** @throws ConfigError with every fault at once */
export function readAgentSettings(env: Environment): AgentSettings {
  const faults = createFaults()
  const given = readVariables(agentVariables, env, faults)
  const { values } = given
  const settings: AgentSettings = {
    guard: guardSettingsOf(given, faults),
    checks: {
      host: values.AGENT_HOST,
      port:
        values.AGENT_SOCKET === undefined || given.isSet('AGENT_PORT')
          ? values.AGENT_PORT
          : undefined,
      socket: values.AGENT_SOCKET,
    },
    prefix: values.AGENT_PREFIX,
    authClaims: values.AUTH_CLAIMS ?? [],
    admin: adminOf(given, faults),
    clients: clientsOf(values, faults),
    logLevel: values.LOG_LEVEL,
  }
  if (faults.lines().length > 0) throw new ConfigError(faults.lines())
  return settings
}

/** An assertion is for the service, so no client can authenticate by one here. */
function clientsOf({ CLIENTS = [] }: AgentValues, faults: Faults): readonly Client[] {
  const clients = CLIENTS.filter(hasSecret)
  if (clients.length < CLIENTS.length)
    faults.report(
      'CLIENTS',
      'has a client with jwks or jwksUri, which can authenticate at the service alone',
    )
  return clients
}

function guardSettingsOf(given: Given<typeof agentVariables>, faults: Faults): GuardSettings {
  const { values } = given
  const defaults = { ...guardDefaults, cutoffClaim: values.CUTOFF_CLAIM }
  const issuers = issuersOf(given, defaults, faults)
  if (!hasIssuerVariables(given))
    faults.report(
      'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_ISSUERS',
      'must be set: without a key nothing can be verified',
    )
  return {
    issuers,
    feed: feedOf(values, faults),
    maxStalenessMs: values.MAX_STALENESS_MS,
    onUnknown: refuseUnknown,
    requireExp: values.JWT_REQUIRE_EXP,
    maxClockSkewS: values.MAX_CLOCK_SKEW_S,
    maxTokenLength: values.MAX_TOKEN_LENGTH,
    senderConstrained: values.SENDER_CONSTRAINED,
    maxRemembered,
    clock: systemClock,
  }
}

const feedVariables: Readonly<Record<string, string>> = {
  url: 'CIERRE_URL',
  clientId: 'CIERRE_CLIENT_ID',
  clientSecret: 'CIERRE_CLIENT_SECRET',
  clientPrivateKey: 'CIERRE_CLIENT_KEY_FILE',
  audience: 'CIERRE_AUDIENCE',
}

const feedOf = (values: AgentValues, faults: Faults): Credentials =>
  readCredentials(
    {
      url: values.CIERRE_URL,
      insecure: values.CIERRE_INSECURE,
      clientId: values.CIERRE_CLIENT_ID,
      clientSecret: values.CIERRE_CLIENT_SECRET,
      clientPrivateKey: values.CIERRE_CLIENT_KEY_FILE,
      audience: values.CIERRE_AUDIENCE,
    },
    (member, what) =>
      faults.report(
        feedVariables[member] ?? member,
        what === 'is undefined' ? 'must be set' : what,
      ),
  )

function adminOf(
  { values, isSet }: Given<typeof agentVariables>,
  faults: Faults,
): AgentSettings['admin'] {
  const { AGENT_ADMIN_HOST: host, AGENT_ADMIN_PORT: port } = values
  if (port === undefined && isSet('AGENT_ADMIN_HOST'))
    faults.report('AGENT_ADMIN_HOST', 'needs AGENT_ADMIN_PORT')
  return port === undefined ? undefined : { host, port }
}
