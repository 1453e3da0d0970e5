import type { UpstreamRevocation } from '../audit/event.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import { createHourly } from '../runtime/hourly.js'
import { requestWithin } from '../runtime/http-client.js'
import { assertionType, signAssertion } from '../token/signing.js'
import type { UpstreamClient } from '../token/upstream-options.js'
import type { VerifiedToken } from '../token/verification.js'

/**
 * Asks the issuer of a verified token to revoke a refresh token (RFC 7009). It never throws: the
 * revocation of the verified token is stored already, and stands.
 */
export type RevokeUpstream = (
  token: Pick<VerifiedToken, 'claims' | 'issuer'>,
  refreshToken: string,
) => Promise<UpstreamRevocation>

type Parts = Readonly<{
  timeoutMs: number
  now: () => number
  warn: (details: object, message: string) => void
}>

/**
 * @param parts `warn` is called once an hour for each issuer and kind of trouble, never with a text
 * of the request or the answer
 */
export function createUpstreamRevocation({ timeoutMs, now, warn }: Parts): RevokeUpstream {
  const isDue = createHourly(now)
  return async ({ claims, issuer }, refreshToken) => {
    const { upstream, issuer: name = '(any)' } = issuer
    if (upstream === undefined) return 'unsupported'
    const { result, why } = await revoke(upstream, issuer, String(claims.iss), {
      refreshToken,
      timeoutMs,
      now,
    })
    if (result !== 'revoked' && isDue(`${result} ${why} ${name}`))
      warn({ issuer: name, result, why }, 'a refresh token was not revoked at its issuer')
    return result
  }
}

/** `why`: the status of the answer, the code or name of an error, or what the metadata lacks. */
type Outcome = Readonly<{ result: UpstreamRevocation; why: number | string }>

type Handover = Omit<Parts, 'warn'> & Readonly<{ refreshToken: string }>

/** The endpoint that is configured goes before that of the metadata. */
async function revoke(
  upstream: UpstreamClient,
  { keys }: VerifiedToken['issuer'],
  audience: string,
  handover: Handover,
): Promise<Outcome> {
  if (upstream.revocationEndpoint !== undefined)
    return request({ ...upstream, endpoint: upstream.revocationEndpoint }, audience, handover)
  const metadata = keys.metadata?.()
  // The issuer may have an endpoint: a repeat finds it once the metadata is there.
  if (metadata === undefined) return { result: 'failed', why: 'no metadata' }
  const { revocationEndpoint: endpoint } = metadata
  if (endpoint === undefined)
    return { result: 'unsupported', why: 'no revocation_endpoint in the metadata' }
  return request({ ...upstream, endpoint }, audience, handover)
}

async function request(
  upstream: UpstreamClient & Readonly<{ endpoint: string }>,
  audience: string,
  { refreshToken, timeoutMs, now }: Handover,
): Promise<Outcome> {
  try {
    const { headers, form } = await authentication(upstream, audience, now())
    const body = new URLSearchParams({
      token: refreshToken,
      token_type_hint: 'refresh_token',
      ...form,
    })
    return await requestWithin(
      timeoutMs,
      upstream.endpoint,
      { method: 'POST', headers: { accept: 'application/json', ...headers }, body },
      async ({ status }) => ({ result: resultOf(status), why: status }),
    )
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } }
    return { result: 'failed', why: cause?.code ?? name }
  }
}

/** How a client names and authenticates itself (RFC 6749 §2.3.1, §3.2.1; RFC 7523 §2.2). */
async function authentication(
  { clientId, clientSecret, clientPrivateKey }: UpstreamClient,
  audience: string,
  nowMs: number,
): Promise<Readonly<{ headers?: Record<string, string>; form?: Record<string, string> }>> {
  if (clientSecret !== undefined)
    return { headers: { authorization: basicAuthorization({ clientId, clientSecret }) } }
  if (clientPrivateKey === undefined) return { form: { client_id: clientId } }
  const assertion = await signAssertion(clientPrivateKey, { clientId, audience, nowMs })
  return {
    form: {
      client_id: clientId,
      client_assertion_type: assertionType,
      client_assertion: assertion,
    },
  }
}

/** Statuses below 500 that pass by themselves: a slow or early request, and a limit. */
const passing = [408, 425, 429]

/** A token that is unknown to the issuer is revoked: 200 (RFC 7009 §2.2). A redirect is refused. */
function resultOf(status: number): UpstreamRevocation {
  if (status === 200 || status === 204) return 'revoked'
  return status >= 300 && status < 500 && !passing.includes(status) ? 'refused' : 'failed'
}
