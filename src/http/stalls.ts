import type { Server } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { trafficOf, type Traffic } from './traffic.js'

/**
 * The rule for one connection: called at intervals with its traffic, it returns whether nothing has
 * moved for `ms`. While bytes wait to be sent, only the reader's progress counts: a client may keep
 * sending without reading.
 */
export function createStallRule(ms: number): (nowMs: number, traffic: Traffic) => boolean {
  let last: Traffic | undefined
  let sinceMs = 0
  return (nowMs, traffic) => {
    if (last === undefined || hasMoved(last, traffic)) sinceMs = nowMs
    last = traffic
    return nowMs - sinceMs >= ms
  }
}

function hasMoved(before: Traffic, now: Traffic): boolean {
  if (now.takenBytes !== before.takenBytes) return true
  if (now.unsentBytes > 0) return before.unsentBytes === 0
  return now.receivedBytes !== before.receivedBytes
}

/**
 * Closes connections on which nothing moves, at most `stuckMs` after their last byte. Node's
 * `server.timeout` would take up to twice as long: during a write, its first timeout only notes how
 * much is left.
 */
export function endStalled(
  server: Server,
  { stuckMs, checkEveryMs }: Readonly<{ stuckMs: number; checkEveryMs: number }>,
): void {
  // A movement is noticed up to one check late, and a stall up to one more.
  const noticedMs = Math.max(checkEveryMs, stuckMs - 2 * checkEveryMs)
  const connections = new Map<Socket, ReturnType<typeof createStallRule>>()
  const check = () => {
    const nowMs = performance.now()
    for (const [socket, isStalled] of connections)
      if (isStalled(nowMs, trafficOf(socket))) socket.destroy()
  }
  // A TLS handshake has a deadline of its own.
  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections.set(socket, createStallRule(noticedMs))
    socket.once('close', () => connections.delete(socket))
  })
  server.once('listening', () => {
    const timer = setInterval(check, checkEveryMs).unref()
    server.once('close', () => clearInterval(timer))
  })
}
