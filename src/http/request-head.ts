import type { IncomingMessage } from 'node:http'
import { ServiceError } from '../errors.js'
import type { Middleware, ServiceContext } from './context.js'

/** `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2). */
const hostText = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

/**
 * Middleware: refuses what Node's parser lets through. 400 for another version of HTTP than 1.0 and
 * 1.1, for a `Host` that is missing, repeated or invalid (RFC 9112 §3.2), for a transfer coding in
 * HTTP/1.0 (RFC 9112 §6.1), and for a target that is no URL or has a fragment; 501 for a transfer
 * coding other than `chunked`. Node would take the coded content for the content itself.
 */
export const checkRequestHead: Middleware = (ctx, next) => {
  const { req } = ctx
  requireVersionAndHost(req)
  ctx.state.path = pathOf(ctx)
  if (req.headers['transfer-encoding'] !== undefined) requireChunked(ctx)
  return next()
}

const malformed = () => new ServiceError('bad_request', { reason: 'body' })

function requireVersionAndHost({ httpVersion, rawHeaders }: IncomingMessage): void {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw malformed()
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') {
      hosts += 1
      if (hosts > 1 || !hostText.test(rawHeaders[index + 1] ?? '')) throw malformed()
    }
  // Node's own refusal, which has no envelope, is turned off.
  if (hosts === 0 && httpVersion === '1.1') throw malformed()
}

function requireChunked(ctx: ServiceContext): void {
  const { httpVersion, headers } = ctx.req
  const isChunked = headers['transfer-encoding']?.trim().toLowerCase() === 'chunked'
  if (isChunked && httpVersion === '1.1') return
  // What follows cannot be told from a next request.
  ctx.set('Connection', 'close')
  throw isChunked
    ? malformed()
    : new ServiceError('unsupported_transfer_coding', { reason: 'body' })
}

/** @throws ServiceError for a target that is no URL, such as `http://[` */
function pathOf(ctx: ServiceContext): string {
  if (ctx.url.includes('#')) throw malformed()
  try {
    return ctx.path
  } catch {
    // The cause is left out, because it quotes the target.
    throw malformed()
  }
}
