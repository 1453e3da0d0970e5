import { nearest } from '../runtime/nearest.js'

/** Reports what is wrong with an option, or with a member of it such as `[0].issuer`. */
export type Report = (what: string, member?: string) => void

/**
 * How one kind of option is parsed. A program gives a value; the environment gives a text, which
 * `fromText` turns into a value. `check` is the same for both.
 */
export type Option<T> = Readonly<{
  /** Answers `undefined` for a text that says nothing, such as a list of commas. */
  fromText: (text: string) => unknown
  /** Answers the checked value, or reports what is wrong and answers `undefined`. */
  check: (value: unknown, report: Report) => T | undefined
}>

/** Collects what is wrong with all options: one line each, the name and then the fault. */
export type Faults = ReturnType<typeof createFaults>

export function createFaults() {
  const lines: string[] = []
  return {
    report: (name: string, what: string) => void lines.push(`${name} ${what}`),
    /** A `Report` for the option of this name. */
    of:
      (name: string): Report =>
      (what, member = '') =>
        void lines.push(`${name}${member} ${what}`),
    /** Every fault once, in the order in which they were found. */
    lines: (): readonly string[] => [...new Set(lines)],
  }
}

const same = (text: string) => text

/** A text that is not empty. */
export const text: Option<string> = {
  fromText: same,
  check(value, report) {
    if (typeof value === 'string' && value !== '') return value
    report('must be a string that is not empty')
    return undefined
  },
}

/** A text that fulfils a condition; `fault` says what it must be. */
export const textThat = (isRight: (text: string) => boolean, fault: string): Option<string> => ({
  fromText: same,
  check(value, report) {
    if (typeof value === 'string' && isRight(value)) return value
    report(fault)
    return undefined
  },
})

/** One text or several. In the environment commas stand between them. */
export const texts: Option<string[]> = {
  fromText: (list) => {
    const items = list
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    return items.length === 0 ? undefined : items
  },
  check(value, report) {
    const list = typeof value === 'string' ? [value] : value
    if (isTexts(list)) return list
    report('must be a string or an array of strings')
    return undefined
  },
}

/** Whether a value is an array of texts, with no empty text and at least one. */
export const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item) => typeof item === 'string' && item !== '')

/** A number from `least` to `most`. */
export const number = (least: number, most: number): Option<number> => ({
  fromText: numberFrom,
  check(value, report) {
    if (typeof value === 'number' && value >= least && value <= most) return value
    report(`must be a number from ${least} to ${most}`)
    return undefined
  },
})

/** A whole number from `least` to `most`. */
export const wholeNumber = (least: number, most: number): Option<number> => ({
  fromText: numberFrom,
  check(value, report) {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number
    report(`must be a whole number from ${least} to ${most}`)
    return undefined
  },
})

const numberFrom = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)

/** One of these values. */
export const oneOf = <T extends string | boolean>(allowed: readonly T[]): Option<T> => ({
  fromText: (text) => allowed[allowed.map(String).indexOf(text)] ?? text,
  check(value, report) {
    const found = allowed[allowed.indexOf(value as T)]
    if (found === undefined) report(`must be one of ${allowed.join(', ')}`)
    return found
  },
})

/** Any of these values, none included. In the environment commas stand between them. */
export const someOf = <T extends string>(allowed: readonly T[]): Option<T[]> => ({
  fromText: texts.fromText,
  check(value, report) {
    if (Array.isArray(value) && value.length === 0) return []
    const list = texts.check(value, report) as T[] | undefined
    const others = list?.filter((item) => !allowed.includes(item)) ?? []
    if (others.length === 0) return list
    report(`has ${others.join(', ')}; it may have ${allowed.join(', ')}`)
    return undefined
  },
})

/** A text for `parse`, which throws an `Error` whose message says what is wrong. */
export const parsedBy = <T>(parse: (text: string) => T): Option<T> => ({
  fromText: same,
  check(value, report) {
    const given = text.check(value, report)
    return given === undefined ? undefined : attempt(parse, given, report)
  },
})

/** Texts for `parse`, which throws an `Error` whose message says what is wrong. */
export const eachParsedBy = <T>(parse: (text: string) => T): Option<T[]> => ({
  fromText: texts.fromText,
  check: (value, report) =>
    texts.check(value, report)?.flatMap((item) => attempt(parse, item, report) ?? []),
})

function attempt<T>(parse: (text: string) => T, text: string, report: Report): T | undefined {
  try {
    return parse(text)
  } catch (error) {
    report((error as Error).message)
    return undefined
  }
}

/** The value of an option that may be left out. `undefined` is the same as left out. */
export const optional = <T>(
  { check }: Pick<Option<T>, 'check'>,
  value: unknown,
  report: Report,
): T | undefined => (value === undefined ? undefined : check(value, report))

/** An object with no members besides `known`; of others it reports the nearest known name. */
export function readObject(
  value: unknown,
  known: readonly string[],
  report: Report,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(value === undefined ? 'is undefined' : 'must be an object')
    return undefined
  }
  const unknown = Object.keys(value).filter((member) => !known.includes(member))
  const named = unknown.map((member) => withSuggestion(member, nearest(member, known)))
  if (named.length > 0) report(`has members that are not known: ${named.join(', ')}`)
  return value as Record<string, unknown>
}

const withSuggestion = (member: string, meant: string | undefined) =>
  meant === undefined ? member : `${member} (did you mean ${meant}?)`

/**
 * Reads an object, and reports everything that is wrong with it at once.
 *
 * @param of what the object is called, its members, and how each line of the error begins
 * @throws TypeError with every fault, one line each
 */
export function readOrThrow<T>(
  value: unknown,
  of: Readonly<{ name: string; members: readonly string[]; prefix?: string }>,
  read: (given: Readonly<Record<string, unknown>>, faults: Faults) => T,
): T {
  const faults = createFaults()
  const given = readObject(value, of.members, faults.of(of.name))
  const settings = given && read(given, faults)
  const lines = faults.lines()
  if (settings !== undefined && lines.length === 0) return settings
  throw new TypeError(lines.map((line) => `${of.prefix ?? ''}${line}`).join('\n'))
}
