import { scopesOf } from '../../token/scopes.js'
import type { Claims } from '../../token/verification.js'
import { GuardError, reworded, type Wording } from '../error.js'
import type { Authorization, BareToken, Guard } from '../types.js'
import {
  readAdapterOptions,
  requireGuard,
  type AdapterOptions,
  type AdapterSettings,
  type OnRefused,
} from './options.js'
import { authorizationOf } from './request-headers.js'
import type { TokenSource } from './token-sources.js'

/**
 * The result of a check: the claims, which are `undefined` where the token is optional and missing,
 * or the refusal, whose `status`, `headers` and `body` are the answer.
 */
export type Checked =
  | Readonly<{ claims: Claims | undefined; refusal?: never }>
  | Readonly<{ refusal: GuardError; claims?: never }>

/** The check of one adapter with its options. */
export type RequestCheck<Request, Response> = Readonly<{
  /** @throws what `getToken` throws, besides a GuardError */
  check(request: Request): Promise<Checked>
  onRefused: OnRefused<Request, Response> | undefined
}>

/**
 * The part of an adapter that knows no framework.
 *
 * @param adapter its name, for messages
 * @throws TypeError for what is no guard, and with every fault of the options
 */
export function createRequestCheck<Request extends object, Response>(
  adapter: string,
  guard: Guard,
  options: AdapterOptions<Request, Response> | undefined,
): RequestCheck<Request, Response> {
  requireGuard(adapter, guard)
  const settings = readAdapterOptions(adapter, options)
  return {
    check: (request) => checkRequest(guard, settings, request),
    onRefused: settings.onRefused,
  }
}

/** Checks a request with the settings of an adapter. @throws what `getToken` throws */
export async function checkRequest<Request extends object, Response>(
  guard: Guard,
  settings: AdapterSettings<Request, Response>,
  request: Request,
): Promise<Checked> {
  try {
    const { getToken } = settings
    // An await of a header that is there already costs 0.2 to 0.5 µs.
    const presented = getToken ? await presentedTo(getToken, request) : authorizationOf(request)
    const claims = await guard.check(presented)
    return lacksScope(claims, settings.scopes)
      ? { refusal: new GuardError('insufficient_scope', { wording: scopeWording(settings) }) }
      : { claims }
  } catch (error) {
    if (!(error instanceof GuardError)) throw error
    if (settings.optional && error.code === 'token_missing') return { claims: undefined }
    return { refusal: reworded(error, settings) }
  }
}

/** What a request presents to `guard.check`: its `Authorization` header without a `getToken`. */
export async function presentedTo<Request extends object>(
  getToken: TokenSource<Request> | undefined,
  request: Request,
): Promise<Authorization | BareToken> {
  if (getToken === undefined) return authorizationOf(request)
  const presented = await getToken(request)
  return typeof presented === 'object' && presented !== null && 'authorization' in presented
    ? presented.authorization
    : { token: presented }
}

function lacksScope(claims: Claims, scopes: readonly string[]): boolean {
  if (scopes.length === 0) return false
  const granted = scopesOf(claims)
  return !scopes.every((one) => granted.includes(one))
}

/** A 403 names every scope that is needed (RFC 6750 §3.1). */
function scopeWording({ challenge, scopes, language }: Wording & { scopes: readonly string[] }) {
  const named = challenge?.scope?.split(' ') ?? []
  const scope = [...new Set([...named, ...scopes])].join(' ')
  return { challenge: { ...challenge, scope }, language }
}
