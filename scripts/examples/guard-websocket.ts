// WebSockets: the connection is closed as soon as the token that opened it is revoked or expires.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { GuardError, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard) => {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    guard.check(request.headersDistinct['authorization']).then(
      (claims) =>
        sockets.handleUpgrade(request, socket, head, (live) => {
          const stopWatching = guard.watch(claims, (why) => live.close(4401, why))
          live.once('close', stopWatching)
          live.send(`welcome ${claims.sub}`)
        }),
      (error: unknown) => {
        const status = error instanceof GuardError ? error.status : 500
        socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`)
      },
    )
  })
  return server
}
