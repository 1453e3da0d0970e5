// Socket.IO 4: a client is refused with `connect_error`, and disconnected when its token is revoked
// or expires. The client: `io(url, { auth: { token } })`.
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import type { Claims, Guard } from 'cierre/guard'
import { socketIoGuard } from 'cierre/guard/socket-io'

type Events = { welcome: (subject: string | undefined) => void }

export const createApi = (guard: Guard) => {
  const server = createServer()
  const io = new Server<object, Events, object, { claims?: Claims }>(server)
  io.use(socketIoGuard(guard))
  io.on('connection', (socket) => {
    socket.emit('welcome', socket.data.claims?.sub)
  })
  return { server, io }
}
