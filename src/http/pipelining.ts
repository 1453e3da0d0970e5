import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Pipelined requests allowed per connection. A client that sends more without reading would make
 * the server buffer every response.
 */
const mostUnanswered = 16
/**
 * Header lines allowed in the waiting requests of a connection. Each takes 60 bytes in memory,
 * however short it is.
 */
const mostWaitingLines = 1_000

const pipeline = Symbol('requests that are not answered yet')
type Pipeline = { count: number; lines: number; waiting: ServerResponse[] }
type PipelinedSocket = Socket & { [pipeline]?: Pipeline }

/**
 * Handles the requests of one connection one by one, each when the answer before it has left this
 * process. A connection whose client does not read holds one answer, however many requests it sent.
 */
export function oneAtATime(listener: RequestListener): RequestListener {
  // One function for all requests: a closure for each would keep its request in memory.
  function answered(this: ServerResponse): void {
    const socket: PipelinedSocket = this.req.socket
    const requests = socket[pipeline]
    if (requests === undefined) return
    requests.count -= 1
    const next = requests.waiting.shift()
    if (next === undefined) return
    requests.lines -= linesOf(next)
    // After `Connection: close`, or on a broken connection, the waiting requests are ignored.
    if (socket.writable) listener(next.req, next)
  }
  return (request, response) => {
    const socket: PipelinedSocket = request.socket
    // Node still parses the requests that follow `Connection: close`.
    if (!socket.writable) return
    const requests = (socket[pipeline] ??= { count: 0, lines: 0, waiting: [] })
    const lines = requests.count === 0 ? 0 : requests.lines + linesOf(response)
    if (requests.count >= mostUnanswered || lines > mostWaitingLines) {
      socket.destroy()
      return
    }
    requests.count += 1
    requests.lines = lines
    response.on('close', answered)
    if (requests.count === 1) listener(request, response)
    else requests.waiting.push(response)
  }
}

const linesOf = ({ req }: ServerResponse) => req.rawHeaders.length / 2
