import type { components, operations } from '../../generated/openapi.js'

type Responses<Id extends keyof operations> = operations[Id]['responses']
type BodyOf<Response> = Response extends { content: { 'application/json': infer Body } }
  ? Body
  : undefined

/** An answer that the contract declares for an operation. `status` tells which type `body` has. */
export type ContractAnswer<Id extends keyof operations> = {
  [Status in keyof Responses<Id>]: Readonly<{
    status: Status
    body: BodyOf<Responses<Id>[Status]>
    /**
     * `X-Error-Reason`, where the answer has one. A page of another origin sees it where
     * `CORS_ORIGINS` allows that origin.
     */
    reason?: ErrorReason
    /** `X-Upstream-Revocation`, where the answer has one. */
    upstreamRevocation?: UpstreamRevocation
  }>
}[keyof Responses<Id>]

/** A word of the contract's closed list that says why a request was refused. */
export type ErrorReason = components['headers']['ErrorReason']

/**
 * Whether the issuer has revoked the refresh token of a logout. `failed`: call `logout` again to
 * hand it over again.
 */
export type UpstreamRevocation = components['schemas']['UpstreamRevocation']

/**
 * No answer of the contract: no connection, no answer in time, or an answer that a proxy made.
 */
export type Unreachable = Readonly<{ status: undefined; cause: unknown }>

export type ClientOperation = 'logout' | 'introspect' | 'createRevocation'

/** What openapi-fetch makes of an answer. */
export type FetchedAnswer = { response: Response; data?: unknown; error?: unknown }

/** The answer of the service, or `Unreachable` for one that the contract does not declare. */
export function contractAnswer<Id extends ClientOperation>(
  id: Id,
  { response, data, error }: FetchedAnswer,
): ContractAnswer<Id> | Unreachable {
  const { status, headers } = response
  const body = data ?? error
  if (!isOfContract[id](status, body))
    return {
      status: undefined,
      cause: new Error(`an answer ${status} that is not in the contract`),
    }
  const reason = headers.get('X-Error-Reason')
  const upstreamRevocation = headers.get('X-Upstream-Revocation')
  // The check of the body tells the service from a proxy. It does not cover the whole schema.
  return {
    status,
    body,
    ...(reason && { reason }),
    ...(upstreamRevocation && { upstreamRevocation }),
  } as unknown as ContractAnswer<Id>
}

const has = (body: unknown, name: string, type: string) =>
  typeof body === 'object' &&
  body !== null &&
  typeof (body as Record<string, unknown>)[name] === type
const success = (body: unknown) =>
  has(body, 'success', 'boolean') ? (body as { success: boolean }).success : undefined
const enveloped = [400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 501]

/**
 * A proxy, a firewall or a captive portal may answer by itself. Such an answer says nothing about
 * the token.
 */
const isOfContract: Record<ClientOperation, (status: number, body: unknown) => boolean> = {
  logout: (status, body) =>
    status === 200
      ? success(body) === true
      : [...enveloped, 500].includes(status) && success(body) === false,
  introspect: (status, body) =>
    status === 200
      ? has(body, 'active', 'boolean')
      : [...enveloped, 503].includes(status) &&
        (has(body, 'error', 'string') || success(body) === false),
  createRevocation: (status, body) =>
    status === 200
      ? has(body, 'key', 'string')
      : [...enveloped, 503].includes(status) && success(body) === false,
}
