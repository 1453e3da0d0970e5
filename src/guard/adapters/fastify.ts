import type { IncomingMessage } from 'node:http'
import type { Claims } from '../../token/verification.js'
import { refusalOf } from '../error.js'
import type { Guard } from '../types.js'
import { authorizationOf } from './authorization-header.js'

type FastifyRequest = { raw: IncomingMessage; claims?: Claims }
type FastifyReply = {
  code(status: number): FastifyReply
  headers(headers: Record<string, string>): FastifyReply
  send(body: unknown): unknown
}

/** Fastify 5 hook (`onRequest`); the claims are in `request.claims`. */
export const fastifyGuard =
  (guard: Guard) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    try {
      request.claims = await guard.check(authorizationOf(request.raw))
      return undefined
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return reply.code(status).headers(headers).send(body)
    }
  }
