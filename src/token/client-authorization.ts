import { basicAuthorization } from '../runtime/basic-authorization.js'
import type { SigningKey } from './private-key.js'
import { signAssertion } from './signing.js'

/** A machine client of the service, with a secret or a private key. */
export type MachineClient = Readonly<{ clientId: string }> &
  (
    | Readonly<{ clientSecret: string }>
    | Readonly<{
        key: SigningKey
        /** The service as it names itself: `PUBLIC_URL`. */
        audience: string
      }>
  )

/** Gives the `Authorization` of the next request. */
export type Authorize = () => Promise<string>

/**
 * HTTP Basic, or a client assertion as bearer (RFC 7523).
 *
 * @param reuseMs for how long an assertion is used again; 0 for operations that revoke, which take
 * each assertion once
 */
export function createAuthorization(client: MachineClient, reuseMs: number): Authorize {
  if ('clientSecret' in client) {
    const basic = basicAuthorization(client)
    return async () => basic
  }
  const { key, clientId, audience } = client
  let last = { signedAtMs: -Infinity, text: '' }
  return async () => {
    const nowMs = Date.now()
    // A clock that was set back makes a new one, too.
    const ageMs = nowMs - last.signedAtMs
    if (ageMs >= 0 && ageMs < reuseMs) return last.text
    const text = `Bearer ${await signAssertion(key, { clientId, audience, nowMs })}`
    last = { signedAtMs: nowMs, text }
    return text
  }
}
