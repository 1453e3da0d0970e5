import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { failures, type FailureCode } from '../errors.js'

const codeByError: Record<string, FailureCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

const reasonPhrases: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** `_httpMessage` is Node's: the answer that the connection is waiting for. */
type ServedSocket = Duplex & {
  _httpMessage?: { headersSent: boolean; req: { complete: boolean } } | null
}

/** Answers a request that Node's parser refuses, in the envelope, and closes its connection. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: ServedSocket): void {
  const pending = socket._httpMessage
  // The refusal must not take the place of an answer to an earlier, complete request.
  const isAnswerDue = pending != null && (pending.headersSent || pending.req.complete)
  if (!socket.writable || isAnswerDue || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const { status, message } = failures[codeByError[error.code ?? ''] ?? 'bad_request']
  const body = JSON.stringify({ success: false, message })
  const head = [
    `HTTP/1.1 ${status} ${reasonPhrases[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
