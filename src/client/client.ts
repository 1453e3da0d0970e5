import createFetchClient from 'openapi-fetch'
import type { components, operations, paths } from '../../generated/openapi.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import { repeated, type Attempts } from './repeat.js'

type Responses<Id extends keyof operations> = operations[Id]['responses']
type BodyOf<Response> = Response extends { content: { 'application/json': infer Body } }
  ? Body
  : undefined

/** An answer that the contract declares for an operation: narrow it by `status`, and `body` has its type. */
export type ContractAnswer<Id extends keyof operations> = {
  [Status in keyof Responses<Id>]: Readonly<{
    status: Status
    body: BodyOf<Responses<Id>[Status]>
    /** `X-Error-Reason`, where the answer has one. Browsers of another origin see it where `CORS_ORIGINS` allows that origin. */
    reason?: ErrorReason
  }>
}[keyof Responses<Id>]

/** A word of the contract's closed list that says why a request was refused. */
export type ErrorReason = components['headers']['ErrorReason']

/** No answer that the contract knows: no connection, no answer in time, or something between that answers for itself. */
export type Unreachable = Readonly<{ status: undefined; cause: unknown }>

/** A machine client asks or revokes; its secret belongs on servers, never into a page. */
export type MachineCredentials = Readonly<{ clientId: string; clientSecret: string }>

type Outcome<Kind extends string, Answer> = Answer & Readonly<{ outcome: Kind }>
type With<Id extends keyof operations, Status> = Extract<ContractAnswer<Id>, { status: Status }>

/**
 * What became of a logout.
 *
 * - `logged_out`: the revocation is stored.
 * - `already_logged_out`: the token had been revoked before. For an app this is as good. Never of `logoutEverywhere`: a revoked token can no longer
 *   end the others, so that is `refused`, with the reason `revoked`.
 * - `expired`: the token has expired, and nothing but the token has ended. Refresh it and log out again, or let the user log in.
 * - `no_token`: `getToken` had none, and nothing was sent.
 * - `refused`: the token is as it was, and a repeat of the same would be refused, too (for 429: until its window is over). It may still be good
 *   somewhere: a 401 that is not `already_logged_out` does not say that the token is dead.
 * - `unknown`: it may be stored or not, and repeating did not tell. Say so to the user, and try again: that is always safe.
 */
export type LogoutResult =
  | Outcome<'logged_out', With<'logout', 200>>
  | Outcome<'already_logged_out', With<'logout', 401>>
  | Outcome<'expired', With<'logout', 403>>
  | Outcome<'no_token', Readonly<{ status: undefined; body: undefined }>>
  | Outcome<'refused', With<'logout', 400 | 401 | 404 | 405 | 408 | 413 | 415 | 429 | 431>>
  | Outcome<'unknown', With<'logout', 500> | Unreachable>

export type IntrospectionResult = ContractAnswer<'introspect'> | Unreachable
export type RevocationResult = ContractAnswer<'createRevocation'> | Unreachable
export type RevocationRequest = components['schemas']['RevocationRequest']

export type ClientOptions = Readonly<{
  /** Origin of the service, such as `https://auth.example.com`. */
  baseUrl: string
  /** The access token to log out; nothing when no user is logged in. */
  getToken?: () => string | null | undefined | Promise<string | null | undefined>
  /** For introspection and revocation on servers. */
  credentials?: MachineCredentials
  /** Deadline of one attempt, in milliseconds; 15,000 unless given, since the service may wait 10 s for a new key of the issuer. */
  timeoutMs?: number
  /** How often a 500, a 503 or a lost connection is tried, in all; 4 unless given. */
  attempts?: number
  /** Longest that a `Retry-After` is obeyed, in milliseconds; 10,000 unless given. What asks for more is not repeated. */
  longestPauseMs?: number
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>
}>

export type Client = {
  /** Revokes the token, and with it the session that it belongs to. Never throws for what the service or the network does. */
  logout(): Promise<LogoutResult>
  /** Revokes every token of its subject from up to now. */
  logoutEverywhere(): Promise<LogoutResult>
  /**
   * Whether a token is active (RFC 7662). Anything but `{ status: 200 }` is unknown, which is not inactive.
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
 * A client of the service, for browsers and for Node; it needs `fetch` and nothing else.
 *
 * @throws TypeError for `credentials` without id or secret, as a variable that is not set leaves them
 */
export function createClient(options: ClientOptions): Client {
  const { timeoutMs = 15_000, attempts = 4, longestPauseMs = 10_000 } = options
  if (options.credentials !== undefined && !isComplete(options.credentials))
    throw new TypeError('credentials need a clientId and a clientSecret that are not empty')
  const api = createFetchClient<paths>({
    baseUrl: options.baseUrl,
    // Or a browser would keep the cookies that a logout expires.
    credentials: 'include',
    ...(options.fetch && { fetch: options.fetch }),
  })
  const patience: Attempts = { attempts, longestPauseMs }

  const ask = <Id extends AskedOperation>(
    id: Id,
    send: (signal: AbortSignal) => Promise<Sent>,
  ): Promise<ContractAnswer<Id> | Unreachable> =>
    repeated<ContractAnswer<Id> | Unreachable>(patience, async () => {
      try {
        const { response, data, error } = await send(AbortSignal.timeout(timeoutMs))
        const { status } = response
        const body: unknown = data ?? error
        const answer = isOfContract[id](status, body)
          ? ({ status, body, ...reasonOf(response) } as unknown as ContractAnswer<Id>)
          : {
              status: undefined,
              cause: new Error(`an answer ${status} that is not in the contract`),
            }
        return {
          answer,
          ...(status >= 500 && { retryAfter: response.headers.get('Retry-After') ?? '' }),
        }
      } catch (cause) {
        return { answer: { status: undefined, cause }, retryAfter: '' }
      }
    })
  const machine = (): { Authorization: string } => {
    if (options.credentials === undefined)
      throw new TypeError('this needs the credentials of a machine client')
    return { Authorization: basicAuthorization(options.credentials) }
  }
  const logout = async (scope: 'local' | 'global'): Promise<LogoutResult> => {
    const token = await options.getToken?.()
    if (token === undefined || token === null || token === '')
      return { outcome: 'no_token', status: undefined, body: undefined }
    const headers = { Authorization: `Bearer ${token}` }
    return resultOf(
      scope,
      await ask('logout', (signal) =>
        api.POST('/api/v1/auth/logout', { headers, body: { token, scope }, signal }),
      ),
    )
  }
  return {
    logout: () => logout('local'),
    logoutEverywhere: () => logout('global'),
    async introspect(token) {
      const headers = { ...machine(), 'Content-Type': 'application/x-www-form-urlencoded' }
      return ask('introspect', (signal) =>
        api.POST('/oauth/introspect', {
          headers,
          body: { token },
          bodySerializer: (form) => new URLSearchParams(form as Record<string, string>),
          signal,
        }),
      )
    },
    async revoke(request) {
      const headers = machine()
      return ask('createRevocation', (signal) =>
        api.POST('/api/v1/revocations', { headers, body: request, signal }),
      )
    },
  }
}

function reasonOf({ headers }: Response): { reason?: string } {
  const reason = headers.get('X-Error-Reason')
  return reason === null ? {} : { reason }
}

const isComplete = ({ clientId, clientSecret }: MachineCredentials) =>
  [clientId, clientSecret].every((text) => typeof text === 'string' && text !== '')

type Sent = { response: Response; data?: unknown; error?: unknown }

type AskedOperation = 'logout' | 'introspect' | 'createRevocation'

const has = (body: unknown, name: string, type: string) =>
  typeof body === 'object' &&
  body !== null &&
  typeof (body as Record<string, unknown>)[name] === type
const success = (body: unknown) =>
  has(body, 'success', 'boolean') ? (body as { success: boolean }).success : undefined
const enveloped = [400, 401, 403, 404, 405, 408, 413, 415, 429, 431]

/** A proxy, a firewall or the page of a public network may answer for itself, and that says nothing of the token. */
const isOfContract: Record<AskedOperation, (status: number, body: unknown) => boolean> = {
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
      return { outcome: 'refused', ...answer }
  }
}
