import createFetchClient from 'openapi-fetch'
import type { components, operations, paths } from '../../generated/openapi.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import {
  contractAnswer,
  type ClientOperation,
  type ContractAnswer,
  type FetchedAnswer,
  type Unreachable,
} from './contract-answer.js'
import { repeated } from './repeat.js'

/**
 * Credentials of a machine client, which belong on servers, never into a page: a secret, or what
 * gives the `Authorization` of each request, such as `Bearer` and a client assertion (RFC 7523).
 */
export type MachineCredentials =
  | Readonly<{ clientId: string; clientSecret: string }>
  | Readonly<{ getAuthorization: () => string | Promise<string> }>

type Outcome<Kind extends string, Answer> = Answer & Readonly<{ outcome: Kind }>
type With<Id extends keyof operations, Status> = Extract<ContractAnswer<Id>, { status: Status }>

/**
 * The outcome of a logout.
 *
 * - `logged_out`: the revocation is stored.
 * - `already_logged_out`: the token had been revoked before. An app can treat this as logged out.
 *   Only `logout` has this outcome: `logoutEverywhere` cannot end the other tokens with a revoked
 *   one, so its outcome is `refused`, with the reason `revoked`.
 * - `expired`: the token has expired, and nothing else was ended. Refresh it and log out again, or
 *   let the user log in.
 * - `no_token`: `getToken` had none, and nothing was sent.
 * - `refused`: nothing was stored, and a repeat would be refused, too (for 429: until its window is
 *   over). The token may still be valid for an API: a 401 that is not `already_logged_out` does not
 *   say that the token is revoked.
 * - `unknown`: the revocation may be stored or not, and repeats did not find out. Show this to the
 *   user, and try again: repeating is always safe.
 */
export type LogoutResult =
  | Outcome<'logged_out', With<'logout', 200>>
  | Outcome<'already_logged_out', With<'logout', 401>>
  | Outcome<'expired', With<'logout', 403>>
  | Outcome<'no_token', Readonly<{ status: undefined; body: undefined }>>
  | Outcome<'refused', With<'logout', 400 | 401 | 404 | 405 | 408 | 413 | 415 | 429 | 431 | 501>>
  | Outcome<'unknown', With<'logout', 500> | Unreachable>

export type IntrospectionResult = ContractAnswer<'introspect'> | Unreachable
export type RevocationResult = ContractAnswer<'createRevocation'> | Unreachable
export type RevocationRequest = components['schemas']['RevocationRequest']

type GetToken = () => string | null | undefined | Promise<string | null | undefined>

export type ClientOptions = Readonly<{
  /** Origin of the service, such as `https://auth.example.com`. */
  baseUrl: string
  /** The access token to log out; nothing when no user is logged in. */
  getToken?: GetToken
  /**
   * The refresh token of the same login, if there is one: the service has the issuer revoke it, and
   * `upstreamRevocation` of the result says whether the issuer has.
   */
  getRefreshToken?: GetToken
  /** For introspection and revocation on servers. */
  credentials?: MachineCredentials
  /**
   * Deadline of one attempt in milliseconds; 15,000 by default, since the service may wait 10 s for
   * a new key of the issuer.
   */
  timeoutMs?: number
  /** Attempts in all for a 500, a 503 or a lost connection; 4 by default. */
  attempts?: number
  /**
   * Longest `Retry-After` that is waited for, in milliseconds; 10,000 by default. An answer that
   * asks for more is not repeated.
   */
  longestPauseMs?: number
  /** Used instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>
}>

export type Client = {
  /**
   * Revokes the token and its session. No failure of the service or the network makes it throw.
   */
  logout(): Promise<LogoutResult>
  /** Revokes every token of the token's subject that was issued until now. */
  logoutEverywhere(): Promise<LogoutResult>
  /**
   * Finds out whether a token is active (RFC 7662). Every status but 200 means unknown, not
   * inactive.
   *
   * @throws TypeError without `credentials`
   */
  introspect(token: string): Promise<IntrospectionResult>
  /**
   * Revokes a subject, a session, a token id or a token. There is no undo.
   *
   * @throws TypeError without `credentials`
   */
  revoke(request: RevocationRequest): Promise<RevocationResult>
}

/**
 * A client of the service, for browsers and for Node. It needs `fetch` and nothing else.
 *
 * @throws TypeError for `credentials` without id or secret, such as those of unset variables
 */
export function createClient(options: ClientOptions): Client {
  const { credentials } = options
  if (credentials !== undefined && !isComplete(credentials))
    throw new TypeError('credentials need a clientId and a clientSecret that are not empty')
  const api = createFetchClient<paths>({
    baseUrl: options.baseUrl,
    // Without this option a browser would keep the cookies that a logout expires.
    credentials: 'include',
    ...(options.fetch && { fetch: options.fetch }),
  })
  const request = createRequester(options)
  const logout = async (scope: 'local' | 'global'): Promise<LogoutResult> => {
    const token = await options.getToken?.()
    if (token === undefined || token === null || token === '')
      return { outcome: 'no_token', status: undefined, body: undefined }
    const refreshToken = (await options.getRefreshToken?.()) || undefined
    return resultOf(scope, await request('logout', logoutOf(api, { token, refreshToken, scope })))
  }
  return {
    logout: () => logout('local'),
    logoutEverywhere: () => logout('global'),
    introspect: async (token) =>
      request('introspect', introspectionOf(api, authorizationOf(credentials), token)),
    revoke: async (revocation) =>
      request('createRevocation', revocationOf(api, authorizationOf(credentials), revocation)),
  }
}

type Api = ReturnType<typeof createFetchClient<paths>>
type Send = (signal: AbortSignal) => Promise<FetchedAnswer>

type LogoutBody = components['schemas']['LogoutRequest']

const logoutOf = (
  api: Api,
  { token, refreshToken, scope }: { [Member in keyof LogoutBody]: LogoutBody[Member] | undefined },
): Send => {
  const headers = { Authorization: `Bearer ${token}` }
  // JSON leaves out what is undefined.
  const body = { token, scope, refreshToken } as LogoutBody
  return (signal) => api.POST('/api/v1/auth/logout', { headers, body, signal })
}

type GetHeaders = () => Promise<{ Authorization: string }>

const introspectionOf =
  (api: Api, getHeaders: GetHeaders, token: string): Send =>
  async (signal) =>
    api.POST('/oauth/introspect', {
      headers: { ...(await getHeaders()), 'Content-Type': 'application/x-www-form-urlencoded' },
      body: { token },
      bodySerializer: (form) => new URLSearchParams(form as Record<string, string>),
      signal,
    })

const revocationOf =
  (api: Api, getHeaders: GetHeaders, body: RevocationRequest): Send =>
  async (signal) =>
    api.POST('/api/v1/revocations', { headers: await getHeaders(), body, signal })

/** Sends requests until an answer is final; a lost connection, a 500 and a 503 are tried again. */
function createRequester({
  timeoutMs = 15_000,
  attempts = 4,
  longestPauseMs = 10_000,
}: ClientOptions) {
  return <Id extends ClientOperation>(id: Id, send: Send) =>
    repeated({ attempts, longestPauseMs }, () => attempt(id, send, timeoutMs))
}

type Attempt<Id extends ClientOperation> = {
  answer: ContractAnswer<Id> | Unreachable
  /** Absent: the answer is final. */
  retryAfter?: string | undefined
}

async function attempt<Id extends ClientOperation>(
  id: Id,
  send: Send,
  timeoutMs: number,
): Promise<Attempt<Id>> {
  try {
    const fetched = await send(AbortSignal.timeout(timeoutMs))
    const { status, headers } = fetched.response
    const retryAfter =
      status < 500 || status === 501 ? undefined : (headers.get('Retry-After') ?? '')
    return { answer: contractAnswer(id, fetched), retryAfter }
  } catch (cause) {
    return { answer: { status: undefined, cause }, retryAfter: '' }
  }
}

/** @throws TypeError without credentials */
function authorizationOf(credentials: MachineCredentials | undefined): GetHeaders {
  if (credentials === undefined)
    throw new TypeError('this needs the credentials of a machine client')
  return async () => ({
    Authorization:
      'getAuthorization' in credentials
        ? await credentials.getAuthorization()
        : basicAuthorization(credentials),
  })
}

const isComplete = (credentials: MachineCredentials) =>
  'getAuthorization' in credentials ||
  [credentials.clientId, credentials.clientSecret].every(
    (text) => typeof text === 'string' && text !== '',
  )

function resultOf(
  scope: 'local' | 'global',
  answer: ContractAnswer<'logout'> | Unreachable,
): LogoutResult {
  switch (answer.status) {
    case 200:
      return { outcome: 'logged_out', ...answer }
    case 401:
      return {
        outcome:
          answer.reason === 'revoked' && scope === 'local' ? 'already_logged_out' : 'refused',
        ...answer,
      }
    case 403:
      return { outcome: 'expired', ...answer }
    case undefined:
    case 500:
      return { outcome: 'unknown', ...answer }
    case 400:
    case 404:
    case 405:
    case 408:
    case 413:
    case 415:
    case 429:
    case 431:
    case 501:
      return { outcome: 'refused', ...answer }
  }
}
