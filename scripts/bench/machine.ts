import { execFileSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from './load.js'
import { end, freePort, start, until } from '../../test/support/processes.js'

export { freePort }

// This is read at the start: once figures are written into the repository, git would say "dirty".
const commit = execFileSync('git', ['describe', '--always', '--dirty']).toString().trim()

/** The machine and the versions that every figure depends on. */
export function machine(): string {
  const redis = execFileSync('redis-server', ['--version']).toString().split(' ')[2]
  return `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; Redis ${redis}; commit ${commit}; ${new Date().toISOString().slice(0, 10)}`
}

export const quantile = (values: readonly number[] | Float64Array, q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ??
  NaN
export const median = (values: readonly number[]) => quantile(values, 0.5)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Starts a program that ends with this process. Only stderr of the program is shown. */
export const run = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  ipc = false,
): ChildProcess =>
  start(command, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'inherit', ...(ipc ? ['ipc' as const] : [])],
  })

export const stop = (child: ChildProcess): Promise<void> => end(child)

export const soon = (what: string, holds: () => Promise<boolean>): Promise<void> =>
  until(what, holds)

/** Where a program runs: its address, and how it is started there. */
export type Host = Readonly<{ address: string; run: typeof run }>

export const loopback: Host = { address: '127.0.0.1', run }

/** Starts a Redis with the settings of OPERATING.md; `fsync` is its `appendfsync`. */
export async function startRedis(fsync = 'always', host = loopback) {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'cierre-bench-'))
  const child = host.run('redis-server', [
    ...['--port', String(port), '--bind', host.address, '--protected-mode', 'no', '--dir', dir],
    ...['--save', '', '--appendonly', 'yes', '--appendfsync', fsync],
    ...['--maxmemory-policy', 'noeviction'],
  ])
  return {
    port,
    url: `redis://${host.address}:${port}`,
    async stop() {
      await stop(child)
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * Steal time: core seconds that the host of this virtual machine has given to other machines so
 * far.
 */
export const stolenS = () => Number(readFileSync('/proc/stat', 'utf8').split(/\s+/)[8]) / 100

/**
 * What a process has used so far: the CPU of all its threads, and its largest and its present
 * resident set.
 */
export function usageOf({ pid }: ChildProcess) {
  const threads = readdirSync(`/proc/${pid}/task`)
  const cpuNs = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
  return {
    cpuS: cpuNs.reduce((sum, ns) => sum + ns, 0) / 1e9,
    rssBytes: bytes('VmRSS'),
    peakBytes: bytes('VmHWM'),
  }
}

/** A server in a process of its own. */
export type Server = {
  origin: string
  /** Where the load connects. */
  address: Address
  child: ChildProcess
  startedInMs: number
  usage: () => ReturnType<typeof usageOf>
  stop: () => Promise<void>
}

/**
 * Starts a program that serves HTTP, pinned to the first core, on the port that `portVariable`
 * names. Resolves when `path` answers with a status below 500.
 *
 * V8 collects garbage without helper threads here, as OPERATING.md advises for a single core.
 * Helper threads would share the core with the main thread and hold up requests for a tenth of a
 * second. V8 also keeps compiled code. Otherwise V8 would discard the code of a server that waits
 * for its turn, and the next thousands of requests would be several times as slow.
 */
export async function startServer(
  args: readonly string[],
  env: Record<string, string>,
  path: string,
  { ipc = false, portVariable = 'PORT' } = {},
): Promise<Server> {
  const port = await freePort()
  const begunAt = performance.now()
  const child = run(
    'taskset',
    ['-c', '0', process.execPath, '--single-threaded-gc', '--no-memory-reducer', ...args],
    { [portVariable]: String(port), NODE_ENV: 'production', ...env },
    ipc,
  )
  const origin = `http://127.0.0.1:${port}`
  await soon(`${args.join(' ')} answers`, async () => {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
    return ((await fetch(origin + path).catch(() => undefined))?.status ?? 500) < 500
  })
  return {
    origin,
    address: { port },
    child,
    startedInMs: performance.now() - begunAt,
    usage: () => usageOf(child),
    stop: () => stop(child),
  }
}

/**
 * Starts the service from `dist`, without limits unless `env` sets them. Resolves when it is ready.
 */
export const startInstance = (env: Record<string, string>) =>
  startServer(
    ['dist/main.js'],
    { RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_SUBJECT: 'off', ...env },
    '/health/ready',
  )
