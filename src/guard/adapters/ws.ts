import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Claims } from '../../token/verification.js'
import type { GuardError } from '../error.js'
import type { Guard } from '../types.js'
import type { Watch } from '../watch-index.js'
import {
  createConnectionGuard,
  type ConnectionGuard,
  type ConnectionOptions,
} from './connection-guard.js'
import type { PresentedToken } from './token-sources.js'
import { answerUpgrade, internalError } from './upgrade-answer.js'
import { warn } from './warn.js'
import { closeWebSocket, type ClosableWebSocket } from './web-socket-closing.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

declare module 'http' {
  interface IncomingMessage {
    /** The claims that `wsGuard` has checked. */
    claims?: Claims
    /** What `guard.renew` takes for this connection. */
    watch?: Watch
  }
}

type LiveSocket = ClosableWebSocket & { once(event: 'close', listener: () => void): unknown }

type WebSocketServer = {
  options?: { noServer?: boolean | undefined }
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (live: LiveSocket) => void,
  ): void
  emit(event: 'connection', live: LiveSocket, request: IncomingMessage): boolean
}

export type WsGuardOptions = ConnectionOptions<IncomingMessage, Duplex>

/** Sockets that a guard is checking, or has handed to its WebSocketServer. */
const taken = new WeakSet<Duplex>()

/**
 * For `ws`: a listener for the event `upgrade` of a server. A token that is not accepted gets its
 * 401, 403 or 503 in place of the handshake. Otherwise `wss` emits `connection` with the request,
 * and the claims are in `request.claims`. When the token ends, the connection is closed with 4401
 * and the reason `token_revoked` or `token_expired`, and with 1013 when the guard is stale; messages
 * do not reach the app from then on. The app chooses the paths: it calls the listener for those that
 * are guarded.
 *
 * @param wss a `WebSocketServer` with `noServer: true`; otherwise it would accept every connection
 * @throws TypeError for options that make no sense
 */
export function wsGuard(guard: Guard, wss: WebSocketServer, options: WsGuardOptions = {}) {
  const connections = createConnectionGuard('wsGuard', guard, options)
  if (wss.options?.noServer !== true)
    throw new TypeError('wsGuard: the WebSocketServer must have noServer: true')
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const checked = await connections.check(request, request).catch(warn)
    if (checked === undefined) answerUpgrade(socket, internalError)
    else if (checked.refusal !== undefined)
      await (options.onRefused ?? answer)(checked.refusal, request, socket)
    else {
      hideToken(request, checked.presented)
      accept({ wss, connections, claims: checked.claims }, { request, socket, head })
    }
  }
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (taken.has(socket)) throw new Error('wsGuard was called twice with one socket')
    taken.add(socket)
    // Node has taken its own listener away: an error of the socket would end the process.
    socket.on('error', destroy)
    upgrade(request, socket, head).catch((error: unknown) => {
      warn(error)
      socket.destroy()
    })
  }
}

const answer = (error: GuardError, _request: IncomingMessage, socket: Duplex): void =>
  answerUpgrade(socket, error)

function destroy(this: Duplex): void {
  this.destroy()
}

type Accepted = Readonly<{
  wss: WebSocketServer
  connections: Pick<ConnectionGuard<IncomingMessage>, 'watch'>
  claims: Claims | undefined
}>

/**
 * Does the handshake, and watches the token until the connection ends. `ws` destroys a socket that
 * has ended meanwhile.
 */
function accept(
  { wss, connections, claims }: Accepted,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  wss.handleUpgrade(request, socket, head, (live) => {
    if (claims !== undefined) {
      const watch = connections.watch(claims, (why) => closeWebSocket(live, why))
      live.once('close', watch)
      Object.assign(request, { claims, watch })
    }
    wss.emit('connection', live, request)
  })
}

/**
 * Takes the token out of the subprotocols that the client offers: `ws` selects one of them, and the
 * selected one is sent back.
 */
function hideToken({ headers }: IncomingMessage, presented: PresentedToken | undefined): void {
  const offered = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim())
  if (offered === undefined || !offered.some((protocol) => protocol === presented)) return
  const others = offered.filter((protocol) => protocol !== presented)
  if (others.length === 0) delete headers['sec-websocket-protocol']
  else headers['sec-websocket-protocol'] = others.join(', ')
}
