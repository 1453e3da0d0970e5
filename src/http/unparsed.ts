import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { failures, type FailureCode } from '../errors.js'
import { endAfterAnswers } from './pipelining.js'

const codeByError: Record<string, FailureCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

const reasonPhrases: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/**
 * Answers a request that Node's parser refuses, in the envelope, and closes its connection. Where
 * answers to earlier requests are due, those are sent, and nothing else.
 */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  if (endAfterAnswers(socket)) return
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
