/** Where a text stops being JSON (RFC 8259); `undefined` for JSON. */
export type JsonFault = Readonly<{ line: number; column: number }>

const blanks = /[ \t\n\r]*/y
// A literal or a number ends where no letter, digit or point follows.
const scalar =
  /(?:"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-]))/y
const name = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y

/**
 * The place of the first fault of a text that should be JSON, counted from 1 and in characters. The
 * messages of `JSON.parse` quote the text, which may be a secret, and seldom say the place.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const scan = createScanner(text)
  try {
    JSON.parse(text)
    return undefined
  } catch {
    const before = text.slice(0, scan())
    const lines = before.split(/\r\n|\n|\r/)
    return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 }
  }
}

/** A function that answers how many characters of the text a JSON document may begin with. */
function createScanner(text: string): () => number {
  let index = 0
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = index
    const isFound = pattern.test(text)
    if (isFound) index = pattern.lastIndex
    return isFound
  }
  const take = (letter: string): boolean => {
    skip(blanks)
    const isFound = text[index] === letter
    if (isFound) index += 1
    return isFound
  }
  const members = (end: string, member: () => boolean): boolean => {
    if (take(end)) return true
    do {
      if (!member()) return false
    } while (take(','))
    return take(end)
  }
  const property = (): boolean => {
    skip(blanks)
    return skip(name) && take(':') && value()
  }
  const value = (): boolean => {
    if (take('{')) return members('}', property)
    if (take('[')) return members(']', value)
    return skip(scalar)
  }
  return () => {
    if (value()) skip(blanks)
    return index
  }
}
