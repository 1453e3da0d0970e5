import { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { ServiceContext } from './context.js'
import type { Outgoing } from './failures.js'
import { headerFields } from './headers.js'
import { endInPieces, pieceBytes } from './pieces.js'
import { requireReadingRate } from './reading-rate.js'

/** How the reading rate of a streamed answer is measured. */
export type StreamTimes = Readonly<{ checkEveryMs: number; rateOverMs: number }>

/**
 * Sends an answer. All header fields go to `writeHead` as one list, because setting them one by
 * one in Koa costs as much as the rest of Koa's work.
 */
export function send(
  ctx: ServiceContext,
  outgoing: Outgoing,
  times: StreamTimes,
  log: Pick<Logger, 'warn'>,
): void {
  const { status, body } = outgoing
  const fields = headerFields(ctx.state, outgoing)
  if (body instanceof Readable) {
    ctx.status = status
    for (let index = 0; index < fields.length; index += 2)
      ctx.set(fields[index] as string, fields[index + 1] as string)
    sendStream(ctx, body, outgoing.leastBytesPerS, times, log)
    return
  }
  const bytes = bytesOf(body)
  // A 304 has the length of its 200, or none (RFC 9110 §8.6).
  if (status !== 204 && status !== 304) fields.push('Content-Length', String(bytes.length))
  ctx.respond = false
  ctx.res.writeHead(status, fields)
  if (ctx.method === 'HEAD') ctx.res.end()
  else if (typeof bytes === 'string') ctx.res.end(bytes, 'latin1')
  else endInPieces(ctx.res, bytes)
}

function sendStream(
  ctx: ServiceContext,
  body: Readable,
  leastBytesPerS: number | undefined,
  { checkEveryMs, rateOverMs }: StreamTimes,
  log: Pick<Logger, 'warn'>,
): void {
  ctx.body = body
  // Koa ignores a body that can no longer be sent, and would leave the stream open.
  if (!ctx.writable) {
    body.destroy()
    return
  }
  if (leastBytesPerS === undefined) return
  const { operation, requester } = ctx.state
  const rate = { bytesPerS: leastBytesPerS, overMs: rateOverMs }
  requireReadingRate(ctx.res, rate, checkEveryMs, () =>
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
