import { GuardError } from './error.js'
import type { CachedToken } from './token-cache.js'
import type { Guard } from './types.js'
import type { createWatches } from './watches.js'

type Parts = Readonly<{
  watches: ReturnType<typeof createWatches>
  check: Guard['check']
  tokenOfClaims: (claims: object) => CachedToken | undefined
}>

/** Watches checked tokens, and puts fresh ones in the place of watched ones. */
export function createGuardWatch(parts: Parts): Pick<Guard, 'watch' | 'renew'> {
  const { watches, check, tokenOfClaims } = parts
  return {
    watch(claims, callback, { onStale = 'keep' } = {}) {
      const cached = tokenOfClaims(claims)
      if (cached === undefined) throw new TypeError('watch takes what check answered')
      if (onStale !== 'keep' && onStale !== 'close')
        throw new TypeError("onStale must be 'close' or 'keep'")
      return watches.add(cached, callback, onStale)
    },
    async renew(watch, jwt) {
      const claims = await check({ token: jwt })
      const fresh = tokenOfClaims(claims)
      // After the check, during which the watched token may have ended.
      const watched = watches.tokenOf(watch)
      if (watched === undefined)
        throw refused(jwt, { cause: new Error('the watched token has ended') })
      if (fresh === undefined || !isOfSameSubject(watched, fresh))
        throw refused(jwt, { reason: 'other_subject' })
      watches.replace(watch, fresh)
      return claims
    },
  }
}

/** The key of a subject is a digest of issuer and subject. A token without a subject has none. */
const isOfSameSubject = (one: CachedToken, other: CachedToken): boolean =>
  one.token.keys.u !== undefined && one.token.keys.u === other.token.keys.u

const refused = (jwt: string, why: { reason?: 'other_subject'; cause?: Error }) =>
  new GuardError('invalid_token', { authorization: [`Bearer ${jwt}`], ...why })
