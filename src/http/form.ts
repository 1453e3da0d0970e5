import { ServiceError } from '../errors.js'

export const formType = 'application/x-www-form-urlencoded'

/**
 * Parses a form without `qs`, which makes objects of names in brackets, stops at a thousand members
 * and ignores names of Object.prototype.
 */
export function parseForm(text: string): Record<string, string> {
  const members = [...new URLSearchParams(text)]
  if (new Set(members.map(([name]) => name)).size < members.length)
    throw new ServiceError('bad_request', { reason: 'body' })
  return Object.fromEntries(members)
}
