import type { ServerResponse } from 'node:http'

/** An answer with a body; a body that is no text is sent as JSON. */
export type AgentAnswer = Readonly<{
  status: number
  headers?: Readonly<Record<string, string | readonly string[]>>
  body: object | string
}>

export function send(response: ServerResponse, { status, headers, body }: AgentAnswer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const fields = {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  }
  // The type of `writeHead` knows no read-only arrays.
  response.writeHead(status, fields as Record<string, string | string[]>).end(text)
}
