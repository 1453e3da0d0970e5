/**
 * The token in a member of what a client has sent; nothing when the member is absent or empty. A
 * value that is no text is a malformed token.
 */
export function tokenMember(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : '.'
}
