import type { IncomingMessage } from 'node:http'
import type { Claims } from '../../token/verification.js'
import type { Guard } from '../types.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

type FastifyRequest = { raw: IncomingMessage; claims?: Claims }
type FastifyReply = {
  readonly sent: boolean
  code(status: number): unknown
  headers(headers: Record<string, string>): unknown
  send(body: unknown): unknown
  /** Calls back when the reply is sent, or the connection closed. */
  then(fulfilled: () => void, rejected: (error: Error) => void): void
}

export type FastifyGuardOptions = AdapterOptions<FastifyRequest, FastifyReply>

/**
 * Fastify 5 hook (`onRequest`); the claims are in `request.claims`. `onRefused` gets the reply, and
 * the request waits until that reply is sent.
 *
 * @throws TypeError with every fault of the options
 */
export function fastifyGuard(guard: Guard, options?: FastifyGuardOptions) {
  const { check, onRefused } = createRequestCheck('fastifyGuard', guard, options)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { refusal, claims } = await check(request)
    if (refusal === undefined) {
      if (claims !== undefined) request.claims = claims
      return undefined
    }
    if (onRefused !== undefined) await onRefused(refusal, request, reply)
    else {
      reply.code(refusal.status)
      reply.headers(refusal.headers)
      reply.send(refusal.body)
    }
    // Fastify calls the handler when this hook is done, unless the reply is sent. Without this wait
    // the request of a client that closes its connection would be handled.
    await reply
    if (!reply.sent) throw refusal
    return reply
  }
}
