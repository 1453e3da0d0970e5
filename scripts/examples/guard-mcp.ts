// An MCP server (streamable HTTP) with the official SDK, in Express 5. Each request is checked, each
// stream ends with the token of its request, and a session belongs to the subject that began it.
import { randomUUID } from 'node:crypto'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import type { Guard } from 'cierre/guard'
import { expressGuard } from 'cierre/guard/express'
import { endWithToken } from './guard-event-stream.js'

type Session = { subject: unknown; transport: StreamableHTTPServerTransport }

/** @param resourceMetadata URL of the metadata that tell a client where to get a token (RFC 9728) */
export const createApi = (guard: Guard, resourceMetadata: string) => {
  // An app also ends sessions that are not used any more.
  const sessions = new Map<string, Session>()
  const begin = async (subject: unknown): Promise<Session> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { subject, transport }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const server = new McpServer({ name: 'example', version: '1.0.0' })
    const answer = { content: [{ type: 'text' as const, text: String(subject) }] }
    server.registerTool('whoami', {}, () => answer)
    await server.connect(transport)
    return { subject, transport }
  }
  return express()
    .use('/mcp', expressGuard(guard, { challenge: { resourceMetadata } }), express.json())
    .all('/mcp', async (request, response) => {
      endWithToken(guard, request.claims!, response)
      const id = request.get('mcp-session-id')
      const session = id === undefined ? await begin(request.claims?.sub) : sessions.get(id)
      if (session === undefined || session.subject !== request.claims?.sub)
        response.status(404).json({ error: 'unknown session' })
      else await session.transport.handleRequest(request, response, request.body)
    })
}
