import type { Faults, Report } from '../token/options.js'
import { readUtf8 } from './parsers.js'
import type { ValuesOf, Variable } from './variable.js'

export type Environment = Readonly<Record<string, string | undefined>>

type Table = Readonly<Record<string, Variable>>
type NameOf<T extends Table> = keyof T & string

/** What the environment says, each variable of a table parsed by itself. */
export type Given<T extends Table> = Readonly<{
  values: ValuesOf<T>
  /** The names under which these variables are set, such as `JWT_SECRET_FILE`. */
  namesSet(names: readonly NameOf<T>[]): string[]
  isSet(name: NameOf<T>): boolean
}>

/** Parses every variable of a table. A wrong value is reported and replaced by the default. */
export function readVariables<T extends Table>(
  table: T,
  env: Environment,
  faults: Faults,
): Given<T> {
  const rows: [string, Variable][] = Object.entries(table)
  const namesSet = (names: readonly NameOf<T>[]) =>
    names
      .flatMap((name) => (table[name]?.orFile ? [name, `${name}_FILE`] : [name]))
      .filter((name) => textOf(env, name) !== undefined)
  return {
    values: Object.fromEntries(
      rows.map(([name, variable]) => [name, valueOf(env, name, variable, faults)]),
      // The types of the table say what each option returns.
    ) as ValuesOf<T>,
    namesSet,
    isSet: (name) => namesSet([name]).length > 0,
  }
}

function valueOf(env: Environment, name: string, variable: Variable, faults: Faults): unknown {
  const given = variable.orFile ? readSecret(env, name, faults) : textOf(env, name, variable)
  const report = faults.of(name)
  return parse(variable, given, report) ?? defaultOf(variable, report)
}

export const defaultOf = (variable: Variable, report: Report): unknown =>
  parse(variable, variable.default, report)

function parse({ option }: Variable, text: string | undefined, report: Report): unknown {
  const value = text === undefined ? undefined : option.fromText(text)
  return value === undefined ? undefined : option.check(value, report)
}

// A compose file passes on an unset variable as an empty one.
const textOf = (env: Environment, name: string, { mayBeEmpty }: Partial<Variable> = {}) =>
  env[name] === '' && mayBeEmpty !== true ? undefined : env[name]

/** The variable, or the content of the file in `NAME_FILE` without the line end of editors. */
export function readSecret(env: Environment, name: string, faults: Faults): string | undefined {
  const text = textOf(env, name)
  const path = textOf(env, `${name}_FILE`)
  if (text !== undefined && path !== undefined) faults.report(name, `and ${name}_FILE are both set`)
  if (text !== undefined || path === undefined) return text
  return readUtf8(path, faults.of(`${name}_FILE`))?.replace(/\r?\n$/, '')
}
