import type { RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

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
/** Requests that a connection may send beyond its limit. Node keeps each until the connection ends. */
const mostIgnored = 256

const pipeline = Symbol('requests that are not answered yet')
type Pipeline = {
  current: ServerResponse | undefined
  waiting: ServerResponse[]
  /** Header lines of the waiting requests. */
  waitingLines: number
  /** Whether the connection ends after the answers that are due. */
  isEnding: boolean
  /** Requests after the last one that gets an answer. */
  ignored: number
}
type PipelinedSocket = Duplex & { [pipeline]?: Pipeline }

/**
 * Handles the requests of one connection one by one, each when the answer before it has left this
 * process. A connection whose client does not read holds one answer, however many requests it sent.
 * When it has sent too many, those within the limit are answered, and the connection ends.
 */
export function oneAtATime(listener: RequestListener): RequestListener {
  // One function for all requests: a closure for each would keep its request in memory.
  function answered(this: ServerResponse): void {
    const { socket } = this.req
    const requests = pipelineOf(socket)
    const next = requests.waiting.shift()
    requests.current = next
    if (next === undefined) {
      // The head of the last answer may have been sent before the connection had to end.
      if (requests.isEnding) socket.destroySoon()
      return
    }
    requests.waitingLines -= linesOf(next)
    // After `Connection: close`, or on a broken connection, the waiting requests are ignored.
    if (socket.writable) listener(next.req, next)
  }
  return (request, response) => {
    const { socket } = request
    const requests = pipelineOf(socket)
    // Node still parses the requests that follow `Connection: close`.
    if (!socket.writable || requests.isEnding) return ignore(socket, requests)
    if (requests.current !== undefined && !hasRoom(requests, response)) {
      endAfterAnswers(socket)
      return ignore(socket, requests)
    }
    response.on('close', answered)
    if (requests.current === undefined) {
      requests.current = response
      listener(request, response)
    } else {
      requests.waiting.push(response)
      requests.waitingLines += linesOf(response)
    }
  }
}

/**
 * Ends a connection, of which nothing more can be read, after the answers to the requests that it
 * has sent whole.
 *
 * @returns whether there is such an answer; without one the connection is left as it is
 */
export function endAfterAnswers(socket: Duplex): boolean {
  const requests = pipelineOf(socket)
  const { current, waiting } = requests
  // Only the last request can be incomplete. It gets no answer.
  if (waiting.at(-1)?.req.complete === false) waiting.pop()
  if (current === undefined || !(current.headersSent || current.req.complete)) return false
  requests.isEnding = true
  const last = waiting.at(-1) ?? current
  if (!last.headersSent) last.setHeader('Connection', 'close')
  return true
}

const pipelineOf = (socket: PipelinedSocket): Pipeline =>
  (socket[pipeline] ??= {
    current: undefined,
    waiting: [],
    waitingLines: 0,
    isEnding: false,
    ignored: 0,
  })

const hasRoom = ({ waiting, waitingLines }: Pipeline, response: ServerResponse) =>
  waiting.length + 1 < mostUnanswered && waitingLines + linesOf(response) <= mostWaitingLines

function ignore(socket: Duplex, requests: Pipeline): void {
  requests.ignored += 1
  if (requests.ignored > mostIgnored) socket.destroy()
}

const linesOf = ({ req }: ServerResponse) => req.rawHeaders.length / 2
