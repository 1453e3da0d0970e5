import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Claims } from '../../token/verification.js'
import type { GuardError } from '../error.js'
import type { Guard } from '../types.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

export type NodeGuardOptions = AdapterOptions<IncomingMessage, ServerResponse>

/**
 * For plain `node:http`.
 *
 * @returns a function that returns `{ claims }`, or `undefined` when it has refused and answered the
 * request; `claims` is `undefined` where the token is optional and missing
 * @throws TypeError with every fault of the options
 */
export function nodeGuard(
  guard: Guard,
  options?: NodeGuardOptions,
): (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<{ claims: Claims | undefined } | undefined> {
  const { check, onRefused } = createRequestCheck('nodeGuard', guard, options)
  return async (request, response) => {
    const { refusal, claims } = await check(request)
    if (refusal === undefined) return { claims }
    await (onRefused ?? refuse)(refusal, request, response)
    return undefined
  }
}

/**
 * For plain `node:http`, without options.
 *
 * @returns the claims, or `undefined` when the request has been answered
 */
export const guardRequest = async (
  guard: Guard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Claims | undefined> => (await nodeGuard(guard)(request, response))?.claims

/** Answers with the refusal. */
export function refuse(
  { status, headers, body }: GuardError,
  _request: unknown,
  response: ServerResponse,
): void {
  response
    .writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body))
}
