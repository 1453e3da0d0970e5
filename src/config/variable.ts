import type { Option } from '../token/options.js'

/** One row of the table: everything about a variable that depends on no other variable. */
export type Variable = Readonly<{
  option: Option<unknown>
  /** The default as text of the environment. Without a default the value may be `undefined`. */
  default?: string
  /** What the variable is for, in a few sentences of Markdown. */
  help: string
  unit?: 's' | 'ms' | 'days'
  /** Whether `X_FILE` may name a file that holds the value. */
  orFile?: true
  /** Whether an empty value means something. Otherwise it counts as not set. */
  mayBeEmpty?: true
  /** Heading of the section that begins with this variable in the reference. */
  section?: string
}>

type ValueOf<Row extends Variable> =
  Row['option'] extends Option<infer T>
    ? Row extends { default: string }
      ? T
      : T | undefined
    : never

/** The parsed value of every variable of a table. */
export type ValuesOf<Table extends Record<string, Variable>> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name]>
}
