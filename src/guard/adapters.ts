import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Claims } from '../token/verification.js'
import type { Guard } from './types.js'
import { GuardError } from './error.js'

// From the raw lines: Node shows only the first of two, and making its object of all headers costs
// more than the check.
function authorizationOf({ rawHeaders }: IncomingMessage): string | string[] | undefined {
  let found: string | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (found !== undefined) return [found, rawHeaders[at + 1]!]
    found = rawHeaders[at + 1]!
  }
  return found
}

/** What a refusal answers, in any framework. @throws what is no refusal */
function refusalOf(error: unknown): GuardError {
  if (error instanceof GuardError) return error
  throw error
}

/** For plain `node:http`: the claims, or nothing when the request has been answered. */
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

type ExpressRequest = IncomingMessage & { claims?: Claims }

/** Express 5 middleware; the claims are in `request.claims`. */
export const expressGuard =
  (guard: Guard) =>
  async (
    request: ExpressRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    const claims = await guardRequest(guard, request, response)
    if (claims === undefined) return
    request.claims = claims
    next()
  }

type KoaContext = {
  req: IncomingMessage
  state: Record<string, unknown>
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

/** Koa middleware; the claims are in `ctx.state.claims`. */
export const koaGuard =
  (guard: Guard) =>
  async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    try {
      ctx.state['claims'] = await guard.check(authorizationOf(ctx.req))
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      ctx.status = status
      ctx.set(headers)
      ctx.body = body
      return
    }
    await next()
  }

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

type HonoContext = {
  req: { header(name: string): string | undefined }
  set(name: 'claims', claims: Claims): void
  json(body: object, status: 401 | 503, headers: Record<string, string>): Response
}

/** Hono middleware; the claims are `c.get('claims')`. */
export const honoGuard =
  (guard: Guard) =>
  async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      c.set('claims', await guard.check(c.req.header('authorization')))
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return c.json(body, status, headers)
    }
    await next()
    return undefined
  }

/**
 * `isRevoked` of `express-jwt`, which has verified the token with its own rules: the guard's rules
 * come on top. A 503 is thrown.
 */
export const isRevokedForExpressJwt =
  (guard: Guard) =>
  (request: IncomingMessage): Promise<boolean> =>
    isRefused(guard, request)

/** `isRevoked` of `koa-jwt`, likewise; koa-jwt makes a 401 of the 503 that is thrown. */
export const isRevokedForKoaJwt =
  (guard: Guard) =>
  (ctx: { req: IncomingMessage }): Promise<boolean> =>
    isRefused(guard, ctx.req)

async function isRefused(guard: Guard, request: IncomingMessage): Promise<boolean> {
  try {
    await guard.check(authorizationOf(request))
    return false
  } catch (error) {
    if (refusalOf(error).status === 503) throw error
    return true
  }
}
