import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of one connection. A client that sends more at once does not mean to read the answers, which would pile up here. */
const mostUnanswered = 16
/** Of the requests of one connection that wait for their turn: each line takes 60 bytes here, however short it is on the way. */
const mostWaitingLines = 1_000

const pipeline = Symbol('requests that are not answered yet')
type Pipeline = { count: number; lines: number; waiting: ServerResponse[] }
type PipelinedSocket = Socket & { [pipeline]?: Pipeline }

/**
 * Handles the requests of one connection one after the other: each when the answer before it has left this process. A connection that is
 * not read holds one answer, whatever else it asks for.
 */
export function oneAtATime(listener: RequestListener): RequestListener {
  // One for all: a closure for each request would keep as much alive as the request itself.
  function answered(this: ServerResponse): void {
    const socket: PipelinedSocket = this.req.socket
    const requests = socket[pipeline]
    if (requests === undefined) return
    requests.count -= 1
    const next = requests.waiting.shift()
    // After `Connection: close`, or an end in the middle, the other requests are as if they had not come.
    if (next === undefined) return
    requests.lines -= linesOf(next)
    if (socket.writable) listener(next.req, next)
  }
  return (request, response) => {
    const socket: PipelinedSocket = request.socket
    // What is parsed behind `Connection: close` comes when the connection has ended already.
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
