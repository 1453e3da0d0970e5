import type { IncomingHttpHeaders } from 'node:http'
import bodyParser from 'koa-bodyparser'
import { ServiceError } from '../errors.js'
import { formType, parseForm } from './form.js'
import type { Middleware, ServiceContext } from './context.js'
import { bodyLeft, isBodyRead } from './hosts/body.js'

/** The media types that can be read. */
export const readableTypes = ['application/json', formType] as const
type ReadableType = (typeof readableTypes)[number]

// koa-bodyparser also takes a number. Its type demands a text, which would be parsed again for each
// request.
const bodyLimit = (64 * 1024) as unknown as string

/** A body that is not what its media type says. The cause is left out, because it quotes the body. */
export class UnreadableBody extends Error {}

/**
 * Reads a body of the one media type that the operation declares, 64 KiB at most. A body that an
 * app around the service has read already is taken as the app has left it.
 */
export function readBody(declared: ReadableType): (ctx: ServiceContext) => Promise<void> {
  const parse = createParser()
  return async (ctx) => {
    requireType(ctx, declared)
    if (isBodyRead(ctx.req)) {
      ctx.request.body = parseLeft(bodyLeft(ctx.req), declared)
      return
    }
    await parse(ctx, noNext)
    if (declared === formType) {
      const text = ctx.request.rawBody
      ctx.request.body = readForm(typeof text === 'string' ? text : '')
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
      throw new UnreadableBody()
    },
  })
}

/** The body as koa-bodyparser and `parseForm` would have made it of the stream. */
function parseLeft(left: string | object, declared: ReadableType): unknown {
  if (declared === formType) return typeof left === 'string' ? readForm(left) : formOf(left)
  // koa-openapi adds defaults to the body, and the app may still use its own.
  if (typeof left !== 'string') return Array.isArray(left) ? left : { ...left }
  try {
    return JSON.parse(left)
  } catch {
    throw new UnreadableBody()
  }
}

/** @throws UnreadableBody for a form that has a member twice */
function readForm(text: string): Record<string, string> {
  try {
    return parseForm(text)
  } catch {
    throw new UnreadableBody()
  }
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

/** A form that a parser of the app has read. One that has a name twice gets an array there. */
function formOf(form: object): Record<string, string> {
  const members: [string, unknown][] = Object.entries(form)
  if (members.some(([, value]) => typeof value !== 'string')) throw new UnreadableBody()
  return Object.fromEntries(members) as Record<string, string>
}

const hasBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
