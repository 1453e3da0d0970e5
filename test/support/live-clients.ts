import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createClient } from 'graphql-ws'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'

/** A live connection. `ended` is what its protocol says at its end. */
export type Live = { ended: Promise<string>; close(): unknown }
/** Opens a live connection with a token, or says in a word how it was refused. */
export type OpenLive = (jwt: string) => Promise<Live | string>

const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })
const webSocketOf = (origin: string) => origin.replace('http', 'ws')

/** `ws`: the status of the handshake, and the close code. */
export const openWs =
  (origin: string): OpenLive =>
  (jwt) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(webSocketOf(origin), { headers: bearer(jwt) })
      const ended = new Promise<string>((end) => socket.once('close', (code) => end(String(code))))
      socket.once('open', () => resolve({ ended, close: () => socket.terminate() }))
      socket.once('unexpected-response', (_request, response) => {
        resolve(String(response.statusCode))
        socket.terminate()
      })
      // After a refusal, too: `terminate` reports a connection that was never open.
      socket.on('error', reject)
    })

/** Socket.IO: the status in the refusal's data, and the reason of the disconnection. */
export const openSocketIo =
  (origin: string): OpenLive =>
  (jwt) =>
    new Promise((resolve) => {
      const socket = io(origin, { auth: { token: jwt }, forceNew: true, reconnection: false })
      const ended = new Promise<string>((end) => socket.once('disconnect', (reason) => end(reason)))
      socket.once('connect', () => resolve({ ended, close: () => socket.disconnect() }))
      socket.once('connect_error', (error) => {
        const { data } = error as { data?: { status: number } }
        resolve(String(data?.status ?? error.message))
        socket.disconnect()
      })
    })

/** GraphQL subscriptions: the close code, before and after the connection was acknowledged. */
export const openGraphqlWs =
  (origin: string): OpenLive =>
  (jwt) =>
    new Promise((resolve) => {
      const client = createClient({
        url: `${webSocketOf(origin)}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: bearer(jwt),
        lazy: false,
        retryAttempts: 0,
        onNonLazyError: () => undefined,
      })
      let isOpen = false
      const ended = new Promise<string>((end) =>
        client.on('closed', (event) => {
          const code = String((event as { code: number }).code)
          end(code)
          if (!isOpen) resolve(code)
        }),
      )
      client.on('connected', () => {
        isOpen = true
        resolve({ ended, close: () => client.dispose() })
      })
    })

/** MCP, with the official SDK: the status of the first request, and the end of the event stream. */
export const openMcp =
  (origin: string): OpenLive =>
  async (jwt) => {
    let streamOpened: () => void
    const opened = new Promise<void>((resolve) => (streamOpened = resolve))
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', origin), {
      requestInit: { headers: bearer(jwt) },
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1,
        maxReconnectionDelay: 1,
        reconnectionDelayGrowFactor: 1,
      },
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        if (init?.method === 'GET' && response.ok) streamOpened()
        return response
      },
    })
    const client = new Client({ name: 'test', version: '1.0.0' })
    const ended = new Promise<string>((end) => {
      client.onerror = ({ message }) => {
        if (message.includes('SSE stream disconnected')) end('stream ended')
      }
    })
    try {
      await client.connect(transport)
    } catch (error) {
      if (error instanceof StreamableHTTPError) return String(error.code)
      throw error
    }
    await opened
    return { ended, close: () => client.close() }
  }
