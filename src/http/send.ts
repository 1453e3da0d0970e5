import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { ServiceContext } from './context.js'
import type { Outgoing } from './failures.js'
import { headerFields, type Fields } from './headers.js'
import { endInPieces, pieceBytes } from './pieces.js'
import { requireReadingRate } from './reading-rate.js'

/** How the reading rate of a streamed answer is measured. */
export type StreamTimes = Readonly<{ checkEveryMs: number; rateOverMs: number }>

export type SendParts = Readonly<{
  times: StreamTimes
  /** Whether the response belongs to an app around this one, whose middleware has patched it. */
  isHosted: boolean
  log: Pick<Logger, 'warn'>
}>

/**
 * Sends an answer. All header fields go to `writeHead` as one list, because setting them one by
 * one in Koa costs as much as the rest of Koa's work. In an app around this one they are set one by
 * one: middleware such as `on-headers` reads them there, and cookies of the app are kept.
 */
export function send(ctx: ServiceContext, outgoing: Outgoing, parts: SendParts): void {
  const { status, body } = outgoing
  const fields = headerFields(ctx.state, outgoing)
  if (body instanceof Readable) {
    ctx.status = status
    setFields(ctx.res, fields)
    sendStream(ctx, body, outgoing.leastBytesPerS, parts)
    return
  }
  const bytes = bytesOf(body)
  // A 304 has the length of its 200, or none (RFC 9110 §8.6).
  if (status !== 204 && status !== 304) fields.push('Content-Length', String(bytes.length))
  ctx.respond = false
  if (parts.isHosted) {
    setFields(ctx.res, fields)
    ctx.res.writeHead(status)
  } else ctx.res.writeHead(status, fields)
  if (ctx.method === 'HEAD') ctx.res.end()
  else if (typeof bytes === 'string') ctx.res.end(bytes, 'latin1')
  else endInPieces(ctx.res, bytes)
}

function setFields(response: ServerResponse, fields: Fields): void {
  for (let index = 0; index < fields.length; index += 2) {
    const [name, value] = [fields[index] as string, fields[index + 1] ?? '']
    if (name === 'Set-Cookie') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
}

function sendStream(
  ctx: ServiceContext,
  body: Readable,
  leastBytesPerS: number | undefined,
  { times, log }: SendParts,
): void {
  ctx.body = body
  // Koa ignores a body that can no longer be sent, and would leave the stream open.
  if (!ctx.writable) {
    body.destroy()
    return
  }
  if (leastBytesPerS === undefined) return
  const { operation, requester } = ctx.state
  const rate = { bytesPerS: leastBytesPerS, overMs: times.rateOverMs }
  requireReadingRate(ctx.res, rate, times.checkEveryMs, () =>
    log.warn(
      { requestId: requester.requestId, operationId: operation?.operationId },
      'slow reader cut off',
    ),
  )
}

/**
 * A small body becomes a text with one character for each byte of its UTF-8, which Node copies
 * together with the head. A large body becomes bytes.
 */
function bytesOf(body: unknown): string | Buffer {
  if (body === undefined) return ''
  if (Buffer.isBuffer(body)) return body
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  if (text.length > pieceBytes) return Buffer.from(text)
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
