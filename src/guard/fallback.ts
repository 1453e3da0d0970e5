import type { Claims } from '../token/verification.js'
import { requestWithin, textOf } from '../runtime/http-client.js'
import { number, optional, readOrThrow } from '../token/options.js'
import {
  authorizationOf,
  credentialNames,
  readCredentials,
  warnOfClearText,
  type Credentials,
} from './credentials.js'

/**
 * Whether a token is active, according to another source. The guard answers `unknown` with a 503.
 */
export type FallbackDecision = 'active' | 'revoked' | 'unknown'

/**
 * Called for a verified token that is not known to be revoked while the guard is not fresh. `why`:
 * the guard has had no snapshot yet, or what it knows is older than `maxStalenessMs`.
 */
export type OnUnknown = (
  question: Readonly<{ token: string; claims: Claims; why: 'no_snapshot' | 'stale' }>,
) => FallbackDecision | Promise<FallbackDecision>

/** The default: unknown does not mean "not revoked". */
export const refuseUnknown: OnUnknown = () => 'unknown'

/**
 * Asks the introspection endpoint of the service (RFC 7662), as a client that may `introspect`. Any
 * failure is `unknown`.
 *
 * @param clientSecret or `clientPrivateKey` and `audience`, as of `FeedOptions`
 * @param url the service's origin; `https:`, or `http:` on a loopback address
 * @param insecure whether `url` may be `http:` in a private network, where a warning says that the
 * secret and the tokens are sent in clear
 * @param timeoutMs deadline of an answer, from 1 to 60000; 1000 by default
 * @throws TypeError with every fault of the options
 */
export function askIntrospection(
  options: Readonly<{
    url: string
    clientId: string
    clientSecret?: string | undefined
    clientPrivateKey?: string | object | undefined
    audience?: string | undefined
    insecure?: boolean | undefined
    timeoutMs?: number | undefined
  }>,
): OnUnknown {
  const { timeoutMs, ...credentials } = readIntrospection(options)
  warnOfClearText('the url of askIntrospection', credentials)
  const authorize = authorizationOf(credentials)
  const endpoint = new URL('/oauth/introspect', credentials.url)
  return async ({ token }) => {
    try {
      return await requestWithin(
        timeoutMs,
        endpoint,
        {
          method: 'POST',
          headers: { authorization: await authorize() },
          body: new URLSearchParams({ token }),
        },
        async (answer) => {
          if (answer.status !== 200) return 'unknown'
          const { active } = JSON.parse(await textOf(answer)) as { active?: unknown }
          return active === true ? 'active' : active === false ? 'revoked' : 'unknown'
        },
      )
    } catch {
      return 'unknown'
    }
  }
}

const timeout = number(1, 60_000)

const introspection = {
  name: 'options',
  members: [...credentialNames, 'timeoutMs'],
  prefix: 'askIntrospection: ',
}
const readIntrospection = (options: unknown): Credentials & { timeoutMs: number } =>
  readOrThrow(options, introspection, (given, faults) => ({
    ...readCredentials(given, faults.report),
    timeoutMs: optional(timeout, given['timeoutMs'], faults.of('timeoutMs')) ?? 1_000,
  }))
