import type { IncomingMessage } from 'node:http'

/**
 * The `Authorization` header, or every line of it. Node's own object of all headers shows only the
 * first of two lines, and making it takes longer than the check.
 */
export function authorizationOf({ rawHeaders }: IncomingMessage): string | string[] | undefined {
  let found: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (found !== undefined) return [found, rawHeaders[index + 1]!]
    found = rawHeaders[index + 1]!
  }
  return found
}
