import { writeFileSync } from 'node:fs'
import { readConfigurationFile } from '../doctor/configuration-file.js'
import { jsonOf, junitOf, tableOf } from '../doctor/report.js'
import { examine, exitCodeOf, type Report } from '../doctor/run.js'
import { readSettings } from '../doctor/settings.js'
import type { Io } from './io.js'

export type DoctorOptions = Readonly<{
  config?: string
  login?: string
  otherLogin?: string
  logout?: string
  protected?: string[]
  refresh?: string
  connection?: string
  secretFrom?: string
  origin?: string
  stopStore?: string
  startStore?: string
  json?: string | true
  junit?: string | true
}>

export async function runDoctor(io: Io, options: DoctorOptions): Promise<number> {
  const { config } = options
  const given = config === undefined ? {} : readConfigurationFile(config, io.env)
  const settings = readSettings(withOptions(given, options, io), config ?? 'cierre doctor')
  const closing = new AbortController()
  void io.stopped.then(() => closing.abort(new Error('stopped')))
  const report = await examine(settings, { env: io.env, closing: closing.signal })
  write(report, options, io)
  return exitCodeOf(report)
}

/** The configuration, with what the options say in the place of its members. */
function withOptions(given: unknown, options: DoctorOptions, { env }: Io): unknown {
  const { login, otherLogin, logout, refresh, connection, origin, secretFrom } = options
  const secret = secretFrom === undefined ? undefined : env[secretFrom]
  if (secretFrom !== undefined && secret === undefined)
    throw new Error(`--secret-from: the variable ${secretFrom} is not set`)
  const store = said({ stop: options.stopStore, start: options.startStore })
  const members = {
    ...{ login, otherLogin, logout, refresh, connection, origin },
    protected: options.protected,
    sign: secret === undefined ? undefined : { secret },
    store:
      Object.keys(store).length === 0 ? undefined : { ...(storeOf(given) as object), ...store },
  }
  return isObject(given) ? { ...given, ...said(members) } : given
}

const said = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const storeOf = (given: unknown): unknown =>
  isObject(given) && 'store' in given ? given.store : undefined

/** To the files that are named; to the output what has no file, or else the table. */
function write(report: Report, { json, junit }: DoctorOptions, { stdout }: Io): void {
  const forms = [
    { to: json, form: jsonOf },
    { to: junit, form: junitOf },
  ]
  for (const { to, form } of forms) if (typeof to === 'string') writeFileSync(to, form(report))
  const printed = forms.find(({ to }) => to === true)?.form ?? tableOf
  stdout.write(printed(report))
}
