import { isRevokedBy } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { keyStart, type CachedToken } from './token-cache.js'

/** Looks a verified token up in the live set. */
export function createRevocationLookup({ findPacked }: Pick<LiveSet, 'findPacked'>) {
  // The rule is the same for `u:` and `n:`.
  const isCutOff = ({ packedKeys, issuedAtS }: CachedToken, start: number): boolean => {
    const cutoff = findPacked(packedKeys, start)
    return cutoff !== -1 && isRevokedBy('u:', cutoff, issuedAtS)
  }
  return (cached: CachedToken): boolean => {
    const { packedKeys, has } = cached
    return (
      findPacked(packedKeys, keyStart.t) !== -1 ||
      (has.s && findPacked(packedKeys, keyStart.s) !== -1) ||
      (has.j && findPacked(packedKeys, keyStart.j) !== -1) ||
      (has.u && isCutOff(cached, keyStart.u)) ||
      (has.n && isCutOff(cached, keyStart.n))
    )
  }
}
