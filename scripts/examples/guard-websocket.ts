// WebSockets (ws): a connection is refused before its handshake, and closed with 4401 when its token
// is revoked or expires. A client sends its next token over the connection before the first expires.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import type { Guard } from 'cierre/guard'
import { fromHeader, fromProtocol, wsGuard } from 'cierre/guard/ws'

export const createApi = (guard: Guard) => {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', (live, request) => {
    const renew = async (jwt: string) => {
      try {
        request.claims = await guard.renew(request.watch!, jwt)
        live.send('renewed')
      } catch {
        live.send('not renewed')
      }
    }
    live.on('error', () => live.terminate())
    live.on('message', (data: Buffer) => void renew(data.toString()))
    live.send(`welcome ${request.claims?.sub}`)
  })
  // A browser can send no header: `new WebSocket(url, ['bearer', token])`.
  const fromBrowser = fromProtocol('bearer')
  server.on(
    'upgrade',
    wsGuard(guard, sockets, {
      getToken: (request) => fromHeader()(request) ?? fromBrowser(request),
    }),
  )
  return server
}
