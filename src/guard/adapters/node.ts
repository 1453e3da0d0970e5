import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Claims } from '../../token/verification.js'
import { refusalOf } from '../error.js'
import type { Guard } from '../types.js'
import { authorizationOf } from './authorization-header.js'

/**
 * For plain `node:http`.
 *
 * @returns the claims, or `undefined` when the request has been answered
 */
export async function guardRequest(
  guard: Guard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Claims | undefined> {
  try {
    return await guard.check(authorizationOf(request))
  } catch (error) {
    const { status, headers, body } = refusalOf(error)
    response
      .writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' })
      .end(JSON.stringify(body))
    return undefined
  }
}
