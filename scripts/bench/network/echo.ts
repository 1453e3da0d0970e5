// A round trip through the relays, and nothing else, in a process of its own: what the machine adds to
// the delays of a network while everything else runs on it.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { clockMs, obey } from './orders.js'

export type EchoOrder =
  /** @returns the port of a server that sends everything back */
  | 'listen'
  /** Sends the time to an address, again and again. */
  | { ask: { host: string; port: number } }
  /** Counts from zero. */
  | 'begin'
  /** @returns how long each time was on its way, there and back */
  | 'latencies'

const everyMs = 5
const timeBytes = 8
let latenciesMs: number[] = []
let begunMs = 0

async function listen(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function ask({ host, port }: { host: string; port: number }): Promise<void> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (; rest.length >= timeBytes; rest = rest.subarray(timeBytes)) {
      const sentMs = rest.readDoubleBE()
      if (sentMs >= begunMs) latenciesMs.push(clockMs() - sentMs)
    }
  })
  setInterval(() => {
    const time = Buffer.alloc(timeBytes)
    time.writeDoubleBE(clockMs())
    socket.write(time)
  }, everyMs)
}

function begin(): void {
  latenciesMs = []
  begunMs = clockMs()
}

obey<EchoOrder>((order) => {
  if (order === 'listen') return listen()
  if (order === 'latencies') return latenciesMs
  if (order === 'begin') return begin()
  return ask(order.ask)
})
