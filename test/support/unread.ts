import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A connection that sends a text and reads nothing until it is resumed. */
export function sendUnread(origin: string, text: string): Socket {
  const { hostname, port, protocol } = new URL(origin)
  const socket =
    protocol === 'https:'
      ? connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false })
      : connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(text)
  return socket
}

/** Opens such connections, and waits until each has the beginning of an answer. */
export async function holdUnread(origin: string, text: string, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => sendUnread(origin, text))
  await Promise.all(sockets.map((socket) => once(socket, 'readable')))
  return sockets
}

/**
 * Reads `bytes` at each interval, and after `hurry` everything there is, until the other side ends
 * the connection.
 */
export function readSlowly(socket: Socket, { bytes, everyMs }: { bytes: number; everyMs: number }) {
  const pieces: Buffer[] = []
  let most = bytes
  socket.on('readable', () => undefined)
  const timer = setInterval(() => {
    for (let left = most; left > 0;) {
      const piece = socket.read(Math.min(left, socket.readableLength) || undefined) as Buffer | null
      if (piece === null) return
      pieces.push(piece)
      left -= piece.length
    }
  }, everyMs)
  const closed = once(socket, 'close').then(() => clearInterval(timer))
  return {
    hurry: () => void (most = Infinity),
    bytes: () => pieces.reduce((sum, { length }) => sum + length, 0),
    /** Everything that was received. */
    async received(): Promise<Buffer> {
      await closed
      return Buffer.concat(pieces)
    },
  }
}
