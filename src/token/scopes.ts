type Claims = Readonly<Record<string, unknown>>

/**
 * The scopes of a token: of the claim `scope`, then of `scp`, as some issuers name it. Each is a
 * text with blanks between the scopes (RFC 8693 §4.2, RFC 9068 §2.2.3), or an array of such texts.
 * Anything else counts as no scope.
 */
export const scopesOf = ({ scope, scp }: Claims): readonly string[] => [
  ...new Set([scope, scp].flat().flatMap(scopesIn)),
]

const scopesIn = (value: unknown) =>
  typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : []

/** The same as one text; `undefined` when there are none. */
export const scopeText = (claims: Claims): string | undefined =>
  scopesOf(claims).join(' ') || undefined
