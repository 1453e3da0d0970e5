import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** What a packet meets on its way, in each direction of each link. */
export type Conditions = Readonly<{
  roundTripMs: number
  /** Share of the chunks that arrive only after a retransmission time-out. */
  heldShare: number
}>

/** A link of the network, from `listen` to `to`. Several links may share a name. */
export type Link = Readonly<{
  name: string
  listen: { host: string; port: number }
  to: { host: string; port: number }
}>

/** The shortest retransmission time-out of Linux is the round trip and this. */
const leastTimeoutMs = 200

/**
 * How long a chunk is held back: 0, or until its retransmission arrives. The time-out doubles when
 * the retransmission is lost, too (RFC 6298 §5.5).
 */
export function heldMs({ roundTripMs, heldShare }: Conditions, random = Math.random): number {
  let held = 0
  for (let timeoutMs = roundTripMs + leastTimeoutMs; random() < heldShare; timeoutMs *= 2)
    held += timeoutMs
  return held
}

/** One direction of a connection. What arrives later never overtakes what is held back. */
type Line = {
  readonly link: string
  readonly from: Socket
  readonly to: Socket
  /** Without bytes: the connection was closed. */
  readonly queue: { dueMs: number; bytes: Buffer | undefined }[]
  lastDueMs: number
}

/** The lines of all links. Each delays by half of the round trip. */
function createLines() {
  let conditions: Conditions = { roundTripMs: 0, heldShare: 0 }
  const lines = new Set<Line>()
  /** The lines with a queue. */
  const busy = new Set<Line>()
  const partitioned = new Set<string>()
  const wakeAt = createAlarm(deliver)

  function deliver(): void {
    let nextMs = Infinity
    for (const line of busy) {
      if (partitioned.has(line.link)) continue
      nextMs = Math.min(nextMs, deliverDue(line))
      if (line.queue.length === 0) busy.delete(line)
    }
    wakeAt(nextMs)
  }

  function add(line: Line, bytes: Buffer | undefined): void {
    const arrivesMs = performance.now() + conditions.roundTripMs / 2 + heldMs(conditions)
    line.lastDueMs = Math.max(line.lastDueMs, arrivesMs)
    line.queue.push({ dueMs: line.lastDueMs, bytes })
    busy.add(line)
    wakeAt(line.lastDueMs)
  }

  function open(link: string, from: Socket, to: Socket, roundTrips: number): void {
    const lastDueMs = performance.now() + roundTrips * conditions.roundTripMs
    const line: Line = { link, from, to, queue: [], lastDueMs }
    lines.add(line)
    from.setNoDelay(true)
    from.on('error', () => undefined)
    from.on('data', (bytes) => add(line, bytes))
    from.on('close', () => add(line, undefined))
    to.on('close', () => void lines.delete(line))
    if (partitioned.has(link)) from.pause()
  }

  const set = (next: Conditions) => void (conditions = next)
  return { set, lines, partitioned, open, deliver }
}

/** Relays the connections of links. */
export function createRelay() {
  const servers: Server[] = []
  const { set, lines, partitioned, open, deliver } = createLines()
  const socketsOf = (link: string) =>
    [...lines].filter((line) => line.link === link).map(({ from }) => from)
  return {
    set,
    /** @returns the port */
    async open({ name, listen, to }: Link): Promise<number> {
      const server = createServer((near) => {
        const far = connect(to)
        // A client sends nothing before the handshake, which takes a round trip.
        open(name, near, far, 1.5)
        open(name, far, near, 0)
      }).listen(listen)
      servers.push(server)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    /** From now on nothing arrives, and no connection notices. */
    partition(link: string) {
      partitioned.add(link)
      socketsOf(link).forEach((socket) => socket.pause())
    },
    /** What was sent meanwhile arrives. */
    heal(link: string) {
      partitioned.delete(link)
      socketsOf(link).forEach((socket) => socket.resume())
      deliver()
    },
    /** Both ends of every connection see a reset. */
    cut: (link: string) => socketsOf(link).forEach((socket) => socket.resetAndDestroy()),
    close() {
      servers.forEach((server) => server.close())
      for (const { from } of lines) from.destroy()
    },
  }
}

/** @returns when the next chunk is due */
function deliverDue({ queue, to }: Line): number {
  for (;;) {
    const [next] = queue
    if (next === undefined) return Infinity
    if (next.dueMs > performance.now()) return next.dueMs
    queue.shift()
    if (next.bytes === undefined) to.end()
    else if (to.writable) to.write(next.bytes)
  }
}

/** A pause that leaves the core to other processes, and after which sockets are read again. */
const napMs = 0.1
/** Timers of Node count whole milliseconds, so the last of them are spent in naps. */
const nappedMs = 2

/** Calls back at the earliest of the times that it is given. */
function createAlarm(ring: () => void): (atMs: number) => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let atMs = Infinity
  let cancel: () => void = () => undefined
  const leftMs = () => atMs - performance.now()
  const schedule = () => {
    if (leftMs() > nappedMs + 1) {
      const timer = setTimeout(check, leftMs() - nappedMs)
      cancel = () => clearTimeout(timer)
    } else {
      const immediate = setImmediate(check)
      cancel = () => clearImmediate(immediate)
    }
  }
  const check = () => {
    Atomics.wait(cell, 0, 0, Math.min(napMs, Math.max(0, leftMs())))
    if (leftMs() > 0) return schedule()
    atMs = Infinity
    ring()
  }
  return (nextMs) => {
    if (nextMs >= atMs) return
    cancel()
    atMs = nextMs
    schedule()
  }
}
