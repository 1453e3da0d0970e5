import type { EndOfWatch } from '../watch-index.js'

/** The members of a WebSocket of `ws` that are used here. */
export type ClosableWebSocket = {
  close(code: number, reason: string): void
  removeAllListeners(event: 'message'): unknown
}

/** Close codes and reasons. 1013 is "try again later" (IANA's registry of RFC 6455 §11.7). */
const closings: Record<EndOfWatch, readonly [code: number, reason: string]> = {
  revoked: [4401, 'token_revoked'],
  expired: [4401, 'token_expired'],
  stale: [1013, 'temporarily_unavailable'],
}

/**
 * Closes a WebSocket whose token has ended. A client that does not answer the close frame keeps its
 * connection for up to 30 seconds (`closeTimeout` of `ws`). Until then `ws` would pass on what the
 * client sends, so the app's listeners are removed.
 */
export function closeWebSocket(socket: ClosableWebSocket, why: EndOfWatch): void {
  socket.removeAllListeners('message')
  socket.close(...closings[why])
}
