import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { oneAtATime } from './pipelining.js'
import { endStalled } from './stalls.js'
import { refuseUnparsed } from './unparsed.js'

export type ServerTimes = Readonly<{
  /** For the head of a request, and for a TLS handshake. */
  headersMs: number
  /** For a whole request. */
  requestMs: number
  /** Until an idle connection is closed. */
  idleMs: number
  /** Until a connection on which nothing moves is closed. */
  stuckMs: number
  checkEveryMs: number
  /** The time over which the rate of a reader is averaged. */
  rateOverMs: number
}>

/**
 * `idleMs` exceeds the usual 60 s of a load balancer, which must close an idle connection first.
 * `stuckMs` exceeds the longest deadline of the store and the silence of a feed.
 */
export const serverTimes: ServerTimes = {
  headersMs: 10_000,
  requestMs: 20_000,
  idleMs: 65_000,
  stuckMs: 90_000,
  checkEveryMs: 1_000,
  rateOverMs: 30_000,
}
const largestHeadersBytes = 32 * 1024
const closeIdleEveryMs = 50

export type Certificate = Readonly<{ cert: string; key: string }>

/** A Node server that answers in the envelope even where Node itself refuses a request. */
export function createServer(
  listener: RequestListener,
  tls: Certificate | undefined,
  times: ServerTimes,
): Server {
  const options: ServerOptions = {
    headersTimeout: times.headersMs,
    requestTimeout: times.requestMs,
    keepAliveTimeout: times.idleMs,
    connectionsCheckingInterval: times.checkEveryMs,
    maxHeaderSize: largestHeadersBytes,
    // The app refuses a request without Host, in the envelope.
    requireHostHeader: false,
  }
  const server =
    tls === undefined
      ? createHttpServer(options)
      : createHttpsServer({ ...options, ...tls, handshakeTimeout: times.headersMs })
  const onRequest = oneAtATime((request, response) => {
    // While the server drains, a connection ends with its present answer.
    if (!server.listening) response.setHeader('Connection', 'close')
    listener(request, response)
  })
  server.on('request', onRequest)
  // Node's own answer to an unknown `Expect` is a 417, which no operation declares.
  server.on('checkExpectation', onRequest)
  server.on('clientError', refuseUnparsed)
  server.on('connect', (_request, socket) => refuseUnparsed(new Error('CONNECT'), socket))
  endStalled(server, times)
  // Node would hide the header lines after the first thousand. `maxHeaderSize` limits them already.
  server.maxHeadersCount = 0
  return server
}

/** Uses another certificate from the next handshake on. */
export function replaceCertificate(server: Server, tls: Certificate): void {
  if (server instanceof HttpsServer) server.setSecureContext(tls)
}

/**
 * A function that stops listening and resolves when every connection is closed. Requests in flight
 * may finish, for `ms` at most; connections that have sent nothing are closed at once.
 *
 * Node's own `closeAllConnections` misses connections in their TLS handshake.
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
    // An answer whose head was sent before the drain lacks `Connection: close`.
    const idle = setInterval(() => server.closeIdleConnections(), closeIdleEveryMs)
    await closed
    clearInterval(idle)
    clearTimeout(timer)
  }
}
