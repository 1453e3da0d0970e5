import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads variables one by one and remembers everything that is wrong, so that it can be told at once. */
export type Reader = ReturnType<typeof createReader>

export function createReader(env: Environment) {
  const faults: string[] = []
  const fault = (name: string, what: string) => void faults.push(`${name} ${what}`)
  // An empty variable is what a compose file makes of one that is not set.
  const text = (name: string): string | undefined => env[name] || undefined

  const file = (name: string): string | undefined => {
    const path = text(name)
    if (path === undefined) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      fault(
        name,
        `names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      )
      return undefined
    }
  }
  return {
    faults: faults as readonly string[],
    fault,
    text,
    file,
    /** The variable, or what the file of `NAME_FILE` holds without the line end that editors add. */
    secret(name: string): string | undefined {
      if (text(name) !== undefined && text(`${name}_FILE`) !== undefined)
        fault(name, `and ${name}_FILE are both set`)
      return text(name) ?? file(`${name}_FILE`)?.replace(/\r?\n$/, '')
    },
    integer(name: string, fallback: number, least: number, most: number): number {
      const given = text(name)
      if (given === undefined) return fallback
      const value = /^\d+$/.test(given) ? Number(given) : NaN
      if (value >= least && value <= most) return value
      fault(name, `must be a whole number from ${least} to ${most}`)
      return fallback
    },
    oneOf<T extends string>(name: string, fallback: T, allowed: readonly T[]): T {
      const given = text(name)
      if (given === undefined) return fallback
      const value = allowed.find((one) => one === given)
      if (value === undefined) fault(name, `must be one of ${allowed.join(', ')}`)
      return value ?? fallback
    },
    list(name: string): string[] {
      return (text(name) ?? '')
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    },
    /** Runs a parser whose errors are messages for the operator. */
    attempt<T>(name: string, parse: () => T): T | undefined {
      try {
        return parse()
      } catch (error) {
        fault(name, (error as Error).message)
        return undefined
      }
    },
  }
}
