import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { randomUUID } from 'node:crypto'
import { failures, type FailureCode } from '../errors.js'
import { oneAtATime } from './pipelining.js'
import { endStalled } from './stalls.js'

export type ServerTimes = Readonly<{
  headersMs: number
  requestMs: number
  idleMs: number
  stuckMs: number
  checkEveryMs: number
  rateOverMs: number
}>

/**
 * An idle connection outlives the usual 60 s of a load balancer, which must be the one to close it. One that is stuck, neither read nor
 * written, outlives the longest deadline of the store and the silence of a feed. The rate of a reader is averaged over half a minute.
 */
export const serverTimes: ServerTimes = {
  headersMs: 10_000,
  requestMs: 20_000,
  idleMs: 65_000,
  stuckMs: 90_000,
  checkEveryMs: 1_000,
  rateOverMs: 30_000,
}
const largestHeadersBytes = 16 * 1024
const closeIdleEveryMs = 50

/** A Node server that also answers in the envelope where Node itself refuses. */
export function createServer(
  listener: RequestListener,
  tls: { cert: string; key: string } | undefined,
  times: ServerTimes,
): Server {
  const options: ServerOptions = {
    headersTimeout: times.headersMs,
    requestTimeout: times.requestMs,
    keepAliveTimeout: times.idleMs,
    connectionsCheckingInterval: times.checkEveryMs,
    maxHeaderSize: largestHeadersBytes,
    // Without Host, Node answers by itself; the routes do.
    requireHostHeader: false,
  }
  const bounded = oneAtATime(listener)
  const server =
    tls === undefined
      ? createHttpServer(options, bounded)
      : createHttpsServer({ ...options, ...tls, handshakeTimeout: times.headersMs }, bounded)
  endStalled(server, times)
  // Bytes bound them; behind the first thousand lines Node would hide what else there is.
  server.maxHeadersCount = 0
  server.on('clientError', refuseUnparsed)
  // Node's own answer to an unknown Expect is a 417 that no operation declares.
  server.on('checkExpectation', bounded)
  server.on('connect', (_request, socket) => refuseUnparsed(new Error('CONNECT'), socket))
  return server
}

/** From the next handshake on, with another certificate. */
export function renewTls(server: Server, tls: { cert: string; key: string }): void {
  if (server instanceof HttpsServer) server.setSecureContext(tls)
}

const codeByError: Record<string, FailureCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

const reasonPhrases: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

type ServedSocket = Duplex & {
  _httpMessage?: { headersSent: boolean; req: { complete: boolean } } | null
}

function refuseUnparsed(error: NodeJS.ErrnoException, socket: ServedSocket): void {
  const pending = socket._httpMessage
  // An answer is on its way, or due for a request that came whole before the garbage: this one must not take its place.
  const isDue = pending != null && (pending.headersSent || pending.req.complete)
  if (!socket.writable || isDue || error.code === 'ECONNRESET') {
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

/**
 * Stops listening and comes back when every connection is gone: requests in flight finish, for `ms` at most; connections on which
 * nothing was ever said end at once.
 *
 * Node's own `closeAllConnections` does not know those that are still shaking hands.
 */
export function drainable(server: Server): (ms: number) => Promise<void> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return async (ms) => {
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), ms)
    // An answer that had begun before did not say that its connection ends with it.
    const idle = setInterval(() => server.closeIdleConnections(), closeIdleEveryMs)
    await closed
    clearInterval(idle)
    clearTimeout(timer)
  }
}
