import { createServer, type RequestListener, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { endAfterAnswers, oneAtATime } from '../http/pipelining.js'

/** `idleMs` exceeds the usual 60 s of a proxy, which must close an idle connection first. */
const times = { headersMs: 10_000, requestMs: 20_000, idleMs: 75_000, checkEveryMs: 1_000 }
const largestHeadersBytes = 32 * 1024

/**
 * A server that hands every request to `listener`, whatever its method, and refuses `CONNECT`. It
 * does not read bodies.
 */
export function createAgentServer(listener: RequestListener): Server {
  const onRequest = oneAtATime(listener)
  const server = createServer(
    {
      headersTimeout: times.headersMs,
      requestTimeout: times.requestMs,
      keepAliveTimeout: times.idleMs,
      connectionsCheckingInterval: times.checkEveryMs,
      maxHeaderSize: largestHeadersBytes,
      requireHostHeader: false,
    },
    onRequest,
  )
  // Node would answer `Expect` with a 100 or a 417, neither of which is the answer of a check.
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  // A 2xx to CONNECT would open a tunnel.
  server.on('connect', (_request, socket) => refuseUnparsed(socket))
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) =>
    refuseUnparsed(
      socket,
      code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : undefined,
    ),
  )
  // Node would hide the header lines after the first thousand. `maxHeaderSize` limits them already.
  server.maxHeadersCount = 0
  return server
}

/** Answers to earlier requests are sent first: a 400 in their place would be taken for theirs. */
function refuseUnparsed(socket: Duplex, status = '400 Bad Request'): void {
  if (!socket.writable) socket.destroy()
  else if (!endAfterAnswers(socket))
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
