import type { NamedClaims } from './claim-mapping.js'
import { claimText } from './keys.js'
import type { VerifiedToken } from './verification.js'

const placeholder = /\{(sid|sub|jti)\}/g

/**
 * The Redis keys of session data of other frameworks, made from the templates and the claims of
 * these tokens. A claim is put into the key unchanged, whatever its text is: keys are deleted by
 * name, never by pattern. A token that lacks a claim of a template makes no key from that template.
 */
export function sessionKeysOf(
  tokens: readonly Pick<VerifiedToken, 'named' | 'issuer'>[],
): string[] {
  const keys: string[] = []
  for (const { named, issuer } of tokens) {
    for (const template of issuer.sessionKeys) {
      const key = sessionKey(template.split(placeholder), named)
      if (key !== undefined) keys.push(key)
    }
  }
  return keys
}

function sessionKey(parts: readonly string[], named: NamedClaims): string | undefined {
  let key = ''
  for (const [index, part] of parts.entries()) {
    const text = isName(index) ? claimText(named[part]) : part
    if (text === undefined) return undefined
    key += text
  }
  return key
}

// `split` with a group gives literal texts and names of claims in turn.
const isName = (index: number) => index % 2 === 1

const ownStart = 'cierre:'

/**
 * What is wrong with a key template, if anything. Its literal start must be such that no claim can
 * complete it to a key of cierre.
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
