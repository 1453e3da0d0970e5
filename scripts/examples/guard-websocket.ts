// WebSockets: a connection is closed as soon as the token that opened it is revoked or expires.
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { GuardError, type Claims, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard) => {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })

  const welcome = (live: WebSocket, claims: Claims) => {
    const stopWatching = guard.watch(claims, (why) => live.close(4401, why))
    live.once('close', stopWatching)
    live.send(`welcome ${claims.sub}`)
  }
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    try {
      const claims = await guard.check(request.headersDistinct['authorization'])
      sockets.handleUpgrade(request, socket, head, (live) => welcome(live, claims))
    } catch (error) {
      const status = error instanceof GuardError ? error.status : 500
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`)
    }
  }
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
  return server
}
