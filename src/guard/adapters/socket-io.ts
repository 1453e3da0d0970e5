import type { IncomingMessage } from 'node:http'
import type { Claims } from '../../token/verification.js'
import { reworded, type GuardError } from '../error.js'
import type { Guard } from '../types.js'
import type { EndOfWatch } from '../watch-index.js'
import { createConnectionGuard, type ConnectionOptions } from './connection-guard.js'
import { tokenMember } from './token-member.js'
import { fromHeader, type PresentedToken } from './token-sources.js'
import { warn } from './warn.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

type SocketIoSocket = {
  readonly handshake: { readonly auth: Readonly<Record<string, unknown>> }
  /** None for a WebTransport, whatever the types of Socket.IO say. */
  readonly request: IncomingMessage | null
  readonly conn: { close(): unknown }
  readonly nsp: object
  data: object
  disconnect(close: boolean): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

/** What a client gets with the event `connect_error`. */
export type SocketIoRefusal = Error & { data: { status: number; error: string } }

type Next = (error?: SocketIoRefusal) => void

/** `getToken` and `onRefused` get the socket. `onRefused` gets `next` as its response. */
export type SocketIoGuardOptions<Socket extends SocketIoSocket = SocketIoSocket> =
  ConnectionOptions<Socket, Next>

/**
 * Middleware of a namespace of Socket.IO: `io.use(…)` is for the main one, and
 * `io.of('/chat').use(…)` for another. The token is `auth.token` of the client, else its
 * `Authorization` header. The claims are in `socket.data.claims`, and `guard.renew` takes
 * `socket.data.watch` once the socket is connected. A refusal is an Error with
 * `data: { status, error }`. When the token ends, the client is disconnected from every namespace;
 * when the guard is stale, its connection is closed, and it connects again by itself.
 *
 * With `connectionStateRecovery` every client is refused: Socket.IO sends to a client that comes back
 * what it has missed before it calls any middleware.
 *
 * @throws TypeError for options that make no sense
 */
export function socketIoGuard<Socket extends SocketIoSocket = SocketIoSocket>(
  guard: Guard,
  options: SocketIoGuardOptions<Socket> = {},
) {
  const getToken = options.getToken ?? tokenOfHandshake
  const { check, watch } = createConnectionGuard('socketIoGuard', guard, { ...options, getToken })
  const admitted = new WeakMap<object, Claims>()
  const namespaces = new WeakSet()
  const begin = (socket: SocketIoSocket) => {
    const claims = admitted.get(socket)
    if (claims === undefined) return
    const stop = watch(claims, (why) => end(socket, why))
    socket.once('disconnect', stop)
    // Not enumerable: Socket.IO's adapters for several servers send enumerable members to the
    // other servers.
    Object.defineProperty(socket.data, 'watch', { value: stop, configurable: true })
  }
  const admit = async (socket: Socket, next: Next) => {
    const { claims, refusal } = await check(socket, socket.request)
    if (refusal !== undefined && options.onRefused !== undefined)
      await options.onRefused(refusal, socket, next)
    else if (refusal !== undefined) next(refusalOf(refusal))
    else {
      if (claims !== undefined) {
        Object.assign(socket.data, { claims })
        admitted.set(socket, claims)
      }
      next()
    }
  }
  return (socket: Socket, next: Next): void => {
    const namespace = socket.nsp as Namespace
    if (namespace.server?.opts?.connectionStateRecovery) return next(withRecovery())
    // `connect` comes after all middleware: a socket that another middleware refuses, or that is
    // lost before, is never watched.
    if (!namespaces.has(namespace)) namespace.prependListener('connect', begin)
    namespaces.add(namespace)
    admit(socket, next).catch((error: unknown) => {
      warn(error)
      next(errorWith('internal error', 500, 'server_error'))
    })
  }
}

/** The part of a namespace that its types do not show. */
type Namespace = {
  readonly server?: { readonly opts?: { readonly connectionStateRecovery?: unknown } }
  prependListener(event: 'connect', listener: (socket: SocketIoSocket) => void): unknown
}

const tokenOfHandshake = ({ handshake, request }: SocketIoSocket): PresentedToken | undefined =>
  tokenMember(handshake.auth['token']) ?? (request === null ? undefined : fromHeader()(request))

/** After `disconnect` a client does not connect again by itself; after a lost connection it does. */
function end(socket: SocketIoSocket, why: EndOfWatch): void {
  if (why === 'stale') socket.conn.close()
  else socket.disconnect(true)
}

/** `data.error` is RFC 6750's word in any language. */
function refusalOf(refusal: GuardError): SocketIoRefusal {
  const { body } = reworded(refusal, {})
  const error = 'error' in body ? body.error : refusal.code
  const message = 'message' in refusal.body ? refusal.body.message : error
  return errorWith(message, refusal.status, error)
}

const errorWith = (message: string, status: number, error: string): SocketIoRefusal =>
  Object.assign(new Error(message), { data: { status, error } })

const withRecovery = () =>
  errorWith('socketIoGuard does not work with connectionStateRecovery', 500, 'server_error')
