import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** The answer when the app's own function fails. */
export const internalError = { status: 500, headers: {}, body: { error: 'server_error' } }

/**
 * Answers an upgrade request that is refused, as HTTP (RFC 6455 §4.2.2), and ends its connection:
 * after an upgrade request, Node leaves the socket to its listener.
 */
export function answerUpgrade(
  socket: Duplex,
  answer: Readonly<{
    status: number
    headers: Readonly<Record<string, string>>
    body: unknown
  }>,
): void {
  if (socket.destroyed || !socket.writable) return void socket.destroy()
  const body = JSON.stringify(answer.body)
  const lines = Object.entries({
    ...answer.headers,
    'Cache-Control': 'no-store',
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`)
  const statusLine = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Refused'}`
  socket.once('finish', () => socket.destroy())
  // Reads what the client has already sent. Otherwise the kernel resets the connection, and with
  // some kernels the client never reads the answer (RFC 9112 §9.6).
  socket.resume()
  socket.end([statusLine, ...lines, '', body].join('\r\n'))
}
