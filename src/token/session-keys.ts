import { claimText } from './keys.js'
import type { VerifiedToken } from './verification.js'

const placeholder = /\{(sid|sub|jti)\}/g

/**
 * The keys of the session data that other frameworks keep in Redis, as the templates name them for these tokens. A claim stands in a key as it
 * is, whatever text it is: keys are deleted by name, never by pattern. A template whose claim a token lacks does not apply to it.
 */
export function sessionKeysOf(
  tokens: readonly Pick<VerifiedToken, 'claims' | 'issuer'>[],
): string[] {
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
  let key = ''
  for (const [at, part] of parts.entries()) {
    const text = isName(at) ? claimText(claims[part]) : part
    if (text === undefined) return undefined
    key += text
  }
  return key
}

const known = new Map<string, readonly string[]>()

/** Literal text and names of claims in turn. */
function partsOf(template: string): readonly string[] {
  const parts = known.get(template) ?? template.split(placeholder)
  known.set(template, parts)
  return parts
}

const isName = (at: number) => at % 2 === 1

const ownStart = 'cierre:'

/**
 * What is wrong with a key template, if anything. The literal start says whose keys these are, and no claim can complete it to a
 * key of cierre.
 */
export function faultOfTemplate(template: string): string | undefined {
  const literal = template.replace(placeholder, '')
  if (/[{}\s]/.test(literal)) return 'has braces that are not {sid}, {sub} or {jti}, or white space'
  if (template.search(placeholder) < 1) return 'needs a literal start, then {sid}, {sub} or {jti}'
  const start = template.slice(0, template.search(placeholder))
  if (start.startsWith(ownStart) || ownStart.startsWith(start))
    return 'could name keys of cierre itself'
  return undefined
}
