import type { Claims } from '../token/verification.js'
import { askWithin, textOf } from '../asking.js'
import { basicAuthorization } from '../basic.js'

/** Whether a token is good, according to somebody else: `unknown` becomes a 503. */
export type OtherOpinion = 'active' | 'revoked' | 'unknown'

/**
 * Asked about a token that is in order, and not known to be revoked, while the guard cannot tell. `why`: it has not had a snapshot yet,
 * or what it holds is older than `maxStalenessMs`.
 */
export type OnUnknown = (question: Readonly<{ token: string; claims: Claims; why: 'no_snapshot' | 'stale' }>) => OtherOpinion | Promise<OtherOpinion>

/** The default: unknown is not "not revoked". */
export const refuseUnknown: OnUnknown = () => 'unknown'

/**
 * Asks the introspection endpoint of the service (RFC 7662), as a client that may `introspect`. Whatever goes wrong is `unknown`.
 *
 * @param url the service's origin
 * @param timeoutMs how long an answer may take; 1000 unless given
 */
export function askIntrospection(parts: Readonly<{ url: string; clientId: string; clientSecret: string; timeoutMs?: number }>): OnUnknown {
  const { url, timeoutMs = 1_000 } = parts
  const endpoint = new URL('/oauth/introspect', url)
  const authorization = basicAuthorization(parts)
  return async ({ token }) => {
    try {
      return await askWithin(timeoutMs, endpoint, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ token }) }, async (answer) => {
        if (answer.status !== 200) return 'unknown'
        const { active } = JSON.parse(await textOf(answer)) as { active?: unknown }
        return active === true ? 'active' : active === false ? 'revoked' : 'unknown'
      })
    } catch {
      return 'unknown'
    }
  }
}
