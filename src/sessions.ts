import { ServiceError } from './errors.js'
import type { VerifiedToken } from './token/verification.js'

const placeholder = /\{(sid|sub|jti)\}/g
// Nothing that a key pattern or another key could be made of.
const keyableValue = /^[A-Za-z0-9._~:@|+/=-]{1,256}$/

/**
 * The keys of the session data that other frameworks keep in Redis, as the templates name them for these tokens. A template whose claim
 * a token lacks does not apply to it.
 *
 * @throws ServiceError `session_store_unavailable` when a claim cannot be part of a key
 */
export function sessionKeysOf(tokens: readonly Pick<VerifiedToken, 'claims' | 'issuer'>[]): string[] {
  const keys: string[] = []
  for (const { claims, issuer } of tokens) {
    for (const template of issuer.sessionKeys) {
      const key = sessionKey(partsOf(template), claims)
      if (key !== undefined) keys.push(key)
    }
  }
  return keys
}

function sessionKey(parts: readonly string[], claims: VerifiedToken['claims']): string | undefined {
  if (parts.some((part, at) => isName(at) && (claims[part] ?? undefined) === undefined)) return undefined
  return parts.reduce((key, part, at) => key + (isName(at) ? keyable(claims[part]) : part), '')
}

const known = new Map<string, readonly string[]>()

/** Literal text and names of claims in turn. */
function partsOf(template: string): readonly string[] {
  const parts = known.get(template) ?? template.split(placeholder)
  known.set(template, parts)
  return parts
}

const isName = (at: number) => at % 2 === 1

function keyable(value: unknown): string {
  if (typeof value === 'string' && keyableValue.test(value)) return value
  throw new ServiceError('session_store_unavailable', { reason: 'sessions', cause: new Error('a claim of this token cannot be part of a session key') })
}

/** What is wrong with a key template, if anything. A literal start keeps a claim from choosing whose keys are deleted. */
export function faultOfSessionKey(template: string): string | undefined {
  const literal = template.replace(placeholder, '')
  if (/[{}\s]/.test(literal)) return 'has braces that are not {sid}, {sub} or {jti}, or white space'
  if (template.search(placeholder) < 1) return 'needs a literal start, then {sid}, {sub} or {jti}'
  if (template.startsWith('cierre:')) return 'names keys of cierre itself'
  return undefined
}
