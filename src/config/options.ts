import { parseAppEntries } from '../token/issuer-entries.js'
import { readObject, type Faults } from '../token/options.js'
import { settingsOf, type Config } from './config.js'
import { optionNames, optionOf } from './option-names.js'
import { defaultOf, type Given } from './read-variables.js'
import {
  connectionsOf,
  issuerDefaultsOf,
  requireOrigins,
  requirePublicUrl,
  transmittersOf,
} from './rules.js'
import type { Variable } from './variable.js'
import { variables, type Values, type VariableName } from './variables.js'

type Options = Readonly<Record<string, unknown>>

/** The names of all options; those of `redis` are members of that option. */
export const topLevelOptions: readonly string[] = [
  ...new Set(Object.values(optionNames).map((name) => name.split('.')[0] ?? name)),
]
const redisMembers = Object.values(optionNames).flatMap((name) =>
  name.startsWith('redis.') ? [name.slice('redis.'.length)] : [],
)

/**
 * Makes a configuration of values, as `parseConfig` makes one of the environment: by the same table
 * and the same rules, but without the settings of a process that listens. Faults name options.
 */
export function configOfOptions(options: Options, all: Faults): Config {
  const faults = inOptionNames(all)
  const given = readOptions(flattened(options, faults), faults)
  const { JWT_ISSUERS = [] } = given.values
  const defaults = issuerDefaultsOf(given.values)
  if (!given.isSet('JWT_ISSUERS'))
    faults.report('issuers', 'is undefined: without a key nothing can be verified')
  const issuers = parseAppEntries(JWT_ISSUERS, defaults, faults.of('issuers'))
  const trust = { issuers, throwawaySecret: undefined }
  requireOrigins(given, faults)
  requirePublicUrl(given, faults)
  return Object.freeze({
    ...settingsOf(given.values),
    ...trust,
    transmitters: transmittersOf(given, trust, faults),
    ...connectionsOf(given, trust, faults),
    tls: undefined,
  })
}

/** The options, with the members of `redis` among them, such as `redis.url`. */
function flattened({ redis, ...others }: Options, faults: Faults): Options {
  const members =
    redis === undefined ? undefined : readObject(redis, redisMembers, faults.of('redis'))
  const named: [string, unknown][] = Object.entries(members ?? {})
  return {
    ...others,
    ...Object.fromEntries(named.map(([name, value]) => [`redis.${name}`, value])),
  }
}

function readOptions(options: Options, faults: Faults): Given<typeof variables> {
  const rows: [string, Variable][] = Object.entries(variables)
  const valueOf = (name: string) => options[optionOf(name) ?? '']
  const read = (name: string, variable: Variable): unknown => {
    const value = valueOf(name)
    const report = faults.of(optionOf(name) ?? name)
    const checked = value === undefined ? undefined : variable.option.check(value, report)
    return checked ?? defaultOf(variable, report)
  }
  const namesSet = (names: readonly VariableName[]) =>
    names.flatMap((name) => (valueOf(name) === undefined ? [] : (optionOf(name) ?? name)))
  return {
    // The types of the table say what each option returns.
    values: Object.fromEntries(rows.map((row) => [row[0], read(...row)])) as Values,
    namesSet,
    isSet: (name) => namesSet([name]).length > 0,
  }
}

/** Faults that name options in the place of variables. */
function inOptionNames(faults: Faults): Faults {
  const translated = (text: string) =>
    text.replace(/\b[A-Z]+(?:_[A-Z]+)+\b/g, (name) => optionOf(name) ?? name)
  return {
    ...faults,
    report: (name, what) => faults.report(translated(name), translated(what)),
  }
}
