import { connect } from 'node:net'
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { once } from 'node:events'

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json: unknown
}

export type Sent = {
  method?: string
  path?: string
  headers?: OutgoingHttpHeaders | string[]
  body?: string | Buffer
  origin?: string
}

const answerOf = (status: number, headers: Answer['headers'], text: string): Answer => ({
  status,
  headers,
  text,
  get json() {
    return JSON.parse(text) as unknown
  },
})

/** A little less than a test may take: the machine may be busy. */
const silentForMs = 100_000

/** One request over a connection of its own, with exactly these headers. */
export function send(
  origin: string,
  { method = 'GET', path = '/', headers = {}, body }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port, protocol } = new URL(origin)
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)(
      {
        hostname,
        port,
        method,
        path,
        headers,
        agent: false,
        timeout: silentForMs,
        rejectUnauthorized: false,
      } as never,
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve(
            answerOf(
              response.statusCode ?? 0,
              response.headers,
              Buffer.concat(chunks).toString('utf8'),
            ),
          ),
        )
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.end(body)
  })
}

/** Sends a text unchanged, and reads until the other side closes. */
export async function receiveAll(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  socket.setTimeout(silentForMs, () => socket.destroy(new Error('no answer in time')))
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(text)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('utf8')
}

/** The first answer to a text that is sent unchanged. */
export async function sendRaw(origin: string, text: string): Promise<Answer> {
  const [head = '', body = ''] = (await receiveAll(origin, text)).split('\r\n\r\n', 2)
  const [start = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  return answerOf(Number(start.split(' ')[1]), headers, body)
}

/** The statuses of answers that were received one after the other. */
export const statusesOf = (received: string): string[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => String(status))

export const jsonBody = (value: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
