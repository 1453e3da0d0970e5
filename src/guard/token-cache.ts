import { packKey } from '../revocation/packed-entry.js'
import { issuedAtOf } from '../token/claim-mapping.js'
import type { VerifiedToken } from '../token/verification.js'

/** A token that has been verified, prepared for the next look-up. */
export type CachedToken = Readonly<{
  /** The whole `Authorization` header. */
  header: string
  token: VerifiedToken
  /** Packed keys, four words each, at `keyStart`; a key that the token lacks is all zeros. */
  packedKeys: Uint32Array
  /** Which of the keys the token has; only these are looked up. */
  has: Readonly<{ s: boolean; j: boolean; u: boolean; n: boolean }>
  /** What a cutoff is compared with; absent: any cutoff revokes. */
  issuedAtS: number | undefined
  expMs: number
  /** The generation of the keys that verified the token. */
  generation: number
}>

/** Where the packed keys begin. */
export const keyStart = { t: 0, s: 4, j: 8, u: 12, n: 16 } as const

export function cachedToken(header: string, token: VerifiedToken): CachedToken {
  const { t, s, j, u, n } = token.keys
  const packedKeys = new Uint32Array(20)
  packedKeys.set(packKey(t), keyStart.t)
  if (s !== undefined) packedKeys.set(packKey(s), keyStart.s)
  if (j !== undefined) packedKeys.set(packKey(j), keyStart.j)
  if (u !== undefined) packedKeys.set(packKey(u), keyStart.u)
  if (n !== undefined) packedKeys.set(packKey(n), keyStart.n)
  freezeDeeply(token.claims)
  return {
    // A copy: the header of a request is often a slice of a larger string.
    header: copied(header),
    token,
    packedKeys,
    has: { s: s !== undefined, j: j !== undefined, u: u !== undefined, n: n !== undefined },
    issuedAtS: issuedAtOf(token.claims, token.issuer.cutoffClaim),
    expMs: token.expMs ?? Infinity,
    generation: token.issuer.keys.generation(),
  }
}

/** Every request with the same token gets the same claims. */
function freezeDeeply(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  Object.values(value).forEach(freezeDeeply)
}

const tailLength = 24
/** Longer tokens than that on average are remembered in smaller numbers. */
const charactersPerToken = 1_024

/**
 * Remembers tokens by their headers, at most `2 · generationSize`; roughly the least recently used
 * ones are dropped first. Their characters are limited, too: a token takes up to 3 bytes of memory
 * for each, so 32,768 tokens of 16,384 characters would take 1.4 GB.
 *
 * A token is found by the end of its header, a part of the signature, and then compared as a whole:
 * hashing 24 characters costs less than hashing all.
 */
export function createTokenCache(generationSize: number) {
  let young = new Map<string, CachedToken>()
  let old = new Map<string, CachedToken>()
  let characters = 0
  const put = (tail: string, cached: CachedToken) => {
    if (young.size >= generationSize || characters >= generationSize * charactersPerToken) {
      old = young
      young = new Map()
      characters = 0
    }
    young.set(tail, cached)
    characters += cached.header.length
  }
  return {
    get(header: string): CachedToken | undefined {
      const tail = header.slice(-tailLength)
      let cached = young.get(tail)
      if (cached === undefined) {
        cached = old.get(tail)
        if (cached === undefined) return undefined
        put(copied(tail), cached)
      }
      return cached.header === header ? cached : undefined
    },
    add: (cached: CachedToken) => put(copied(cached.header.slice(-tailLength)), cached),
    size: () => young.size + old.size,
    clear() {
      young.clear()
      old.clear()
    },
  }
}

/** A copy: a slice would keep alive the whole string that it was taken from. */
const copied = (text: string) => Buffer.from(text, 'latin1').toString('latin1')
