import { isRevokedBy } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { keyStart, type CachedToken } from './token-cache.js'

/** Looks a verified token up in the live set. */
export function createRevocationLookup({ findPacked }: Pick<LiveSet, 'findPacked'>) {
  const isSubjectRevoked = (packedKeys: Uint32Array, issuedAtS: unknown): boolean => {
    const cutoff = findPacked(packedKeys, keyStart.u)
    return cutoff !== -1 && isRevokedBy('u:', cutoff, issuedAtS)
  }
  return ({ packedKeys, has, issuedAtS }: CachedToken): boolean =>
    findPacked(packedKeys, keyStart.t) !== -1 ||
    (has.s && findPacked(packedKeys, keyStart.s) !== -1) ||
    (has.j && findPacked(packedKeys, keyStart.j) !== -1) ||
    (has.u && isSubjectRevoked(packedKeys, issuedAtS))
}
