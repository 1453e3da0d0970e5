import type { IncomingHttpHeaders } from 'node:http'
import bodyParser from 'koa-bodyparser'
import { ServiceError } from '../errors.js'
import { formType, parseForm } from './form.js'
import type { Middleware, RequestState, ServiceContext } from './context.js'

/** The media types that can be read. */
export const readableTypes = ['application/json', formType] as const
type ReadableType = (typeof readableTypes)[number]

// koa-bodyparser also takes a number. Its type demands a text, which would be parsed again for each
// request.
const bodyLimit = (32 * 1024) as unknown as string

/** Reads a body of the one media type that the operation declares, 32 KiB at most. */
export function readBody(declared: ReadableType): (ctx: ServiceContext) => Promise<void> {
  const parse = createParser()
  return async (ctx) => {
    requireType(ctx, declared)
    await parse(ctx, noNext)
    if (declared === formType) {
      const text = ctx.request.rawBody
      ctx.request.body = parseForm(typeof text === 'string' ? text : '')
    }
  }
}

// koa-openapi runs its steps in a loop. It passes each of them the `next` that leaves the router,
// which the parser must not call.
const noNext = async () => undefined

function createParser(): Middleware {
  // The types of koa-bodyparser are made for another version of Koa's types.
  return bodyParser({
    enableTypes: ['json', 'form'],
    // `requireType` has checked the type already.
    detectJSON: ({ req }) => req.headers['content-type'] === 'application/json',
    jsonLimit: bodyLimit,
    formLimit: bodyLimit,
    onerror(error, ctx) {
      if ((error as Error & { status?: number }).status === 413) {
        // The rest of the body would be read as the next request.
        ctx.set('Connection', 'close')
        throw new ServiceError('body_too_large', { reason: 'body' })
      }
      // The cause is left out, because it quotes the body.
      const { operation } = ctx.state as RequestState
      throw new ServiceError(operation?.unreadableBody ?? 'bad_request', { reason: 'body' })
    },
  })
}

/** @throws ServiceError `unsupported_media_type` for another type, or any content coding */
function requireType(ctx: ServiceContext, declared: ReadableType): void {
  const { headers } = ctx.req
  const given = headers['content-type']
  const type = given === 'application/json' ? given : ctx.request.type.trim().toLowerCase()
  const isTyped = given !== undefined || hasBody(headers)
  // koa-bodyparser would decompress an encoded body.
  if (headers['content-encoding'] !== undefined || (isTyped && type !== declared)) {
    ctx.set('Connection', 'close')
    throw new ServiceError('unsupported_media_type', { reason: 'body' })
  }
  // The parameters of the type have no meaning here, and clients send some that cannot be parsed.
  if (isTyped) headers['content-type'] = type
}

const hasBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
