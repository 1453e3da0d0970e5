import { once } from 'node:events'
import { connect } from 'node:net'

/** The result of a load. A run with an unexpected answer does not count. */
export type Outcome = { seconds: number; latenciesMs: Float64Array; unexpected: string | undefined }

// With a body for each request, a load generator such as autocannon uses more CPU than the floor.
// So this file writes prepared bytes to plain sockets, and reads only the status and the end of an
// answer.
type Connection = { send(request: Buffer): Promise<string>; close(): void }

/** A port of this machine, or a Unix socket. */
export type Address = { port: number } | { path: string }

async function open(address: Address): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', noDelay: true, ...address })
  await once(socket, 'connect')
  let settle: ((head: string) => void) | undefined
  let received = ''
  const finish = (head: string) => {
    const done = settle
    settle = undefined
    received = ''
    done?.(head)
  }
  socket.setEncoding('latin1').on('data', (piece: string) => {
    received += piece
    const headEnd = received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const [, length] = /content-length: (\d+)/i.exec(received) ?? []
    if (length === undefined) finish('an answer without Content-Length')
    else if (received.length >= headEnd + 4 + Number(length)) finish(received.slice(9, 12))
  })
  socket.on('error', () => finish('connection error'))
  socket.on('close', () => finish('connection closed'))
  return {
    send: (request) =>
      new Promise((resolve) => {
        settle = resolve
        if (socket.writable) socket.write(request)
        else finish('connection closed')
      }),
    close: () => socket.destroy(),
  }
}

/** Sends each request once, over the given number of connections, without pauses. */
export async function saturate(target: {
  address: Address
  requests: readonly Buffer[]
  connections: number
  expected?: string
}): Promise<Outcome> {
  const { address, requests, expected = '200' } = target
  const connections = await Promise.all(
    Array.from({ length: target.connections }, () => open(address)),
  )
  const latenciesMs = new Float64Array(requests.length)
  let next = 0
  let unexpected: string | undefined
  const begunAt = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      while (next < requests.length && unexpected === undefined) {
        const index = next++
        const sentAt = performance.now()
        const status = await connection.send(requests[index] as Buffer)
        latenciesMs[index] = performance.now() - sentAt
        if (status !== expected) unexpected = status
      }
    }),
  )
  const seconds = (performance.now() - begunAt) / 1000
  connections.forEach((connection) => connection.close())
  return { seconds, latenciesMs, unexpected }
}

/** Whether an answer ends its request, or the request is sent again. */
export type Verdict = 'answered' | 'repeat' | 'unexpected'

const only200 = (status: string): Verdict => (status === '200' ? 'answered' : 'unexpected')

/**
 * Sends requests at a steady rate, however long the answers take. A latency counts from the time
 * when its request was due, so a stall of the server shows in every request that waited.
 *
 * @param target `judge` is called in the turn in which an answer was read
 */
export async function pace(target: {
  address: Address
  rate: number
  requests: readonly Buffer[]
  connections: number
  judge?: (status: string, index: number) => Verdict
}): Promise<Outcome> {
  const { address, rate, requests, judge = only200 } = target
  const idle = await Promise.all(Array.from({ length: target.connections }, () => open(address)))
  const all = [...idle]
  const count = requests.length
  const latenciesMs = new Float64Array(count)
  const due: number[] = []
  let sent = 0
  let answered = 0
  let unexpected: string | undefined
  const begunAt = performance.now()
  await new Promise<void>((resolve) => {
    const go = (connection: Connection, index: number) => {
      void connection.send(requests[index] as Buffer).then((status) => {
        const verdict = judge(status, index)
        if (verdict === 'repeat') return go(connection, index)
        latenciesMs[index] = performance.now() - begunAt - (index * 1000) / rate
        if (verdict === 'unexpected') unexpected ??= status
        answered += 1
        const waiting = due.shift()
        if (waiting === undefined) idle.push(connection)
        else go(connection, waiting)
        if (answered === count) resolve()
      })
    }
    const tick = () => {
      const isDue = Math.min(count, Math.floor(((performance.now() - begunAt) * rate) / 1000))
      for (; sent < isDue; sent += 1) {
        // The connections take turns, because a server closes an idle connection.
        const connection = idle.shift()
        if (connection === undefined) due.push(sent)
        else go(connection, sent)
      }
      if (unexpected !== undefined) resolve()
      // The pause leaves the core to Redis, which runs on it, too.
      else if (sent < count) setTimeout(tick, 1)
    }
    tick()
  })
  const seconds = (performance.now() - begunAt) / 1000
  all.forEach((connection) => connection.close())
  return { seconds, latenciesMs, unexpected }
}
