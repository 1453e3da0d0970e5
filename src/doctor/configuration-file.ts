import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import { isRequestText } from './template.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The content of a configuration file in YAML 1.2, with `${NAME}` in its texts replaced by that
 * variable of the environment.
 *
 * @throws Error with every fault at once: with its line where the text is no YAML, and with its
 * path where a variable is not set
 */
export function readConfigurationFile(path: string, env: Environment): unknown {
  const lineCounter = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter, prettyErrors: false })
  if (document.errors.length > 0)
    throw new Error(
      document.errors
        .map(({ pos: [offset], message }) => {
          const { line, col } = lineCounter.linePos(offset)
          return `${path}:${line}:${col}: ${message}`
        })
        .join('\n'),
    )
  const missing: string[] = []
  const filled = withVariables(document.toJS(), env, (at, name) =>
    missing.push(`${path}: ${at} needs the variable ${name}, which is not set`),
  )
  if (missing.length > 0) throw new Error(missing.join('\n'))
  return filled
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    })
  }
}

// The shell that runs a command replaces its variables; a value put into its text would be run.
const isCommand = (at: string, value: string) =>
  /^(?:login|otherLogin)$|\.(?:command|stop|start)$/.test(at) && !isRequestText(value)

type ReportMissing = (at: string, name: string) => void

function withVariables(value: unknown, env: Environment, report: ReportMissing, at = ''): unknown {
  if (typeof value === 'string' && isCommand(at, value)) return value
  if (typeof value === 'string')
    return value.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      if (env[name] === undefined) report(at, name)
      return env[name] ?? ''
    })
  if (Array.isArray(value))
    return value.map((item, index) => withVariables(item, env, report, `${at}[${index}]`))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      withVariables(one, env, report, at === '' ? name : `${at}.${name}`),
    ]),
  )
}
