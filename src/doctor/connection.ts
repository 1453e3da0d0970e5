import { WebSocket } from 'ws'
import { request, withDeadlineSignal } from '../runtime/http-client.js'
import type { ConnectionSettings } from './settings.js'
import type { Answer, Connection } from './target.js'
import { fillUrl } from './template.js'

type Opening = Readonly<{ answerMs: number; token: string; closing: AbortSignal }>

/**
 * Opens a WebSocket or an event stream with a token.
 *
 * @returns the open connection, or the answer that refuses it
 */
export function openConnection(
  { url, headers, protocols }: ConnectionSettings,
  opening: Opening,
): Promise<Connection | Answer> {
  const put = (text: string) => text.replaceAll('{token}', opening.token)
  const filled = {
    url: fillUrl(url, { token: opening.token, refreshToken: '' }),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, put(value)])),
    protocols: protocols.map(put),
  }
  return /^ws/.test(url) ? openWebSocket(filled, opening) : openEventStream(filled, opening)
}

const refusedWith = (status: number, said = `status ${status}`): Answer => ({
  status,
  headers: new Headers(),
  said,
  isIn: false,
})

function openWebSocket(
  { url, headers, protocols }: ConnectionSettings,
  { answerMs }: Opening,
): Promise<Connection | Answer> {
  const socket = new WebSocket(url, [...protocols], { headers, handshakeTimeout: answerMs })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // A broken connection is a closed one.
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      resolve(refusedWith(response.statusCode ?? 0))
      socket.terminate()
    })
    socket.once('open', () =>
      resolve({
        isOpen: () => socket.readyState === WebSocket.OPEN,
        closed,
        close: () => socket.terminate(),
      }),
    )
    socket.once('close', () => resolve(refusedWith(0, 'no answer')))
  })
}

/** How long an event stream is read: longer than any other limit. */
const streamMs = 86_400_000

function openEventStream(
  { url, headers }: ConnectionSettings,
  { answerMs, closing }: Opening,
): Promise<Connection | Answer> {
  const ended = new AbortController()
  closing.addEventListener('abort', () => ended.abort(), { once: true })
  return new Promise((resolve) => {
    let isOpen = true
    const accept = { Accept: 'text/event-stream', ...headers }
    const closed = withDeadlineSignal(answerMs, ended.signal, ({ signal, extend }) =>
      request(url, { headers: accept, signal }, async ({ status, pieces }) => {
        if (status !== 200) return resolve(refusedWith(status))
        extend(streamMs)
        resolve({ isOpen: () => isOpen, closed, close: () => ended.abort() })
        for await (const piece of pieces) void piece
      }),
    )
      .catch(() => resolve(refusedWith(0, 'no answer')))
      .then(() => void (isOpen = false))
  })
}
