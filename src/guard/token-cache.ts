import { packKey } from '../revocation/packed-entry.js'
import type { VerifiedToken } from '../token/verification.js'

/** A token that has been verified, ready to be looked up again. */
export type Known = Readonly<{
  /** The whole `Authorization` header. */
  header: string
  token: VerifiedToken
  /** Keys `t: s: j: u:` as words; one that the token lacks is all zeros, and never asked for. */
  words: Uint32Array
  has: Readonly<{ s: boolean; j: boolean; u: boolean }>
  /** What cutoffs are held against; absent: any cutoff revokes. */
  issuedAtS: unknown
  expMs: number
  /** Of the keys that verified it. */
  generation: number
}>

export function cachedToken(
  header: string,
  token: VerifiedToken,
  cutoffClaim: 'iat' | 'auth_time',
): Known {
  const { t, s, j, u } = token.keys
  const words = new Uint32Array(16)
  for (const [at, key] of [t, s, j, u].entries())
    if (key !== undefined) words.set(packKey(key), 4 * at)
  return {
    header,
    token: deepFrozen(token),
    words,
    has: { s: s !== undefined, j: j !== undefined, u: u !== undefined },
    issuedAtS: token.claims[cutoffClaim],
    expMs: token.expMs ?? Infinity,
    generation: token.issuer.keys.generation(),
  }
}

// Everybody who sends this token gets the same claims.
function deepFrozen(token: VerifiedToken): VerifiedToken {
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    Object.freeze(value)
    Object.values(value).forEach(freeze)
  }
  freeze(token.claims)
  return token
}

const tailLength = 24

/**
 * Remembers tokens by their headers, `2 · generationSize` at most; the least recently used leave first, about.
 *
 * The key is the end of the header, a part of the signature: hashing a few characters is cheaper than hashing all, and the whole header
 * is compared.
 */
export function createTokenCache(generationSize: number) {
  let young = new Map<string, Known>()
  let old = new Map<string, Known>()
  const put = (tail: string, known: Known) => {
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(tail, known)
  }
  return {
    get(header: string): Known | undefined {
      const tail = header.slice(-tailLength)
      let known = young.get(tail)
      if (known === undefined) {
        known = old.get(tail)
        if (known === undefined) return undefined
        put(copied(tail), known)
      }
      return known.header === header ? known : undefined
    },
    add: (known: Known) => put(copied(known.header.slice(-tailLength)), known),
    size: () => young.size + old.size,
    clear() {
      young.clear()
      old.clear()
    },
  }
}

// A slice would keep the whole header of some request alive.
const copied = (text: string) => Buffer.from(text, 'latin1').toString('latin1')
