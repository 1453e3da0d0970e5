import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const running = new Set<ChildProcess>()

/** Starts a program, which is killed when the tests end, also after a failure. */
export function start(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'cwd' | 'stdio'> = {},
): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

// These ports are below those that the system gives to connections (`ip_local_port_range`), so no
// connection takes a port between this search and the start of the program that listens on it.
// Processes that search at the same time begin at different ports.
const ports = { first: 10_000, last: 32_000 }
let nextPort = randomInt(ports.first, ports.last)

export async function freePort(): Promise<number> {
  for (;;) {
    nextPort = nextPort === ports.last ? ports.first : nextPort + 1
    // Another search may move on meanwhile.
    const port = nextPort
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

// Bound when this file is loaded, since tests may move `performance.now`.
const nowMs = performance.now.bind(performance)
const longestWaitMs = 90_000
/** The pauses grow with the wait: a look every 2 ms for seconds would keep a core busy. */
const pauseMs = (waitedMs: number) => Math.min(2 + waitedMs / 20, 50)

/**
 * Waits until a condition holds. The limit ends a test that hangs, and measures no promise of the
 * service.
 *
 * @throws Error when the condition never holds
 */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const startMs = nowMs()
  while (!(await holds())) {
    const waitedMs = nowMs() - startMs
    if (waitedMs > longestWaitMs) throw new Error(`never happened: ${what}`)
    await pause(pauseMs(waitedMs))
  }
}
