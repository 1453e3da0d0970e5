import type { IncomingMessage } from 'node:http'
import type { Claims } from '../../token/verification.js'
import type { GuardError } from '../error.js'
import type { Guard } from '../types.js'
import type { Watch } from '../watch-index.js'
import { createConnectionGuard, type ConnectionOptions } from './connection-guard.js'
import { tokenMember } from './token-member.js'
import type { PresentedToken } from './token-sources.js'
import { closeWebSocket, type ClosableWebSocket } from './web-socket-closing.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

type Socket = ClosableWebSocket & {
  readonly readyState: number
  readonly OPEN: number
  once(event: 'close', listener: () => void): unknown
}

/** The context of a connection, as `graphql-ws/use/ws` has it. */
type Context = {
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined
  readonly extra: {
    readonly socket: Socket
    readonly request: IncomingMessage
    /** The claims that `graphqlWsGuard` has checked. */
    claims?: Claims
    /** What `guard.renew` takes for this connection. */
    watch?: Watch
  }
}

/** `getToken` and `onRefused` get the context. `onRefused` gets the socket as its response. */
export type GraphqlWsGuardOptions = ConnectionOptions<Context, Socket>

/**
 * For `graphql-ws` over `ws`: `useServer({ schema, ...graphqlWsGuard(guard) }, wss)`. The token is in
 * `connectionParams`: `authorization` with its scheme, or `token`. The claims are in
 * `context.extra.claims`. A connection that is refused is closed with 4401, with 4403 when a scope is
 * lacking, and with 1013 when the guard cannot tell. When the token ends, the connection is closed
 * with 4401 and the reason `token_revoked` or `token_expired`, and with 1013 when the guard is stale.
 *
 * @returns `onConnect`; an app with an `onConnect` of its own calls this one first
 * @throws TypeError for options that make no sense
 */
export function graphqlWsGuard(guard: Guard, options: GraphqlWsGuardOptions = {}) {
  const { check, watch } = createConnectionGuard('graphqlWsGuard', guard, {
    ...options,
    getToken: options.getToken ?? tokenOfParameters,
  })
  return {
    /** @returns whether the connection is accepted */
    async onConnect(context: Context): Promise<boolean> {
      const { extra } = context
      const { socket } = extra
      const { claims, refusal } = await check(context, extra.request)
      if (refusal !== undefined) {
        await (options.onRefused ?? close)(refusal, context, socket)
        return false
      }
      if (socket.readyState !== socket.OPEN) return false
      if (claims === undefined) return true
      const stop = watch(claims, (why) => closeWebSocket(socket, why))
      socket.once('close', stop)
      Object.assign(extra, { claims, watch: stop })
      return true
    },
  }
}

function tokenOfParameters({ connectionParams }: Context): PresentedToken | undefined {
  const authorization = tokenMember(connectionParams?.['authorization'])
  return authorization === undefined ? tokenMember(connectionParams?.['token']) : { authorization }
}

/** The codes and reasons with which graphql-ws refuses; 1013 is the 503 of WebSockets. */
const closings: Record<GuardError['status'], readonly [code: number, reason: string]> = {
  401: [4401, 'Unauthorized'],
  403: [4403, 'Forbidden'],
  503: [1013, 'temporarily_unavailable'],
}

const close = ({ status }: GuardError, _context: Context, socket: Socket): void =>
  socket.close(...closings[status])
