import { execFileSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, freePort, start, until } from '../../test/support/processes.js'

export { freePort }

// Before the first figures are written into a file that git knows.
const commit = execFileSync('git', ['describe', '--always', '--dirty']).toString().trim()

/** What every figure is worth nothing without. */
export function machine(): string {
  const redis = execFileSync('redis-server', ['--version']).toString().split(' ')[2]
  return `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; Redis ${redis}; commit ${commit}; ${new Date().toISOString().slice(0, 10)}`
}

export const quantile = (values: readonly number[] | Float64Array, q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ??
  NaN
export const median = (values: readonly number[]) => quantile(values, 0.5)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Starts a program that ends with this one; its output is thrown away, its errors are shown. */
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

/** Asks until it is so, 60 s at most. */
export const soon = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  until(what, isSo, 60_000)

/** A Redis of its own, as the production guide has it unless told otherwise. */
export async function startRedis(fsync = 'always') {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'cierre-bench-'))
  const child = run('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    fsync,
    '--maxmemory-policy',
    'noeviction',
  ])
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await stop(child)
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Seconds of its cores that the host of a virtual machine has given to others so far. */
export const stolenS = () => Number(readFileSync('/proc/stat', 'utf8').split(/\s+/)[8]) / 100

/** What a process has used so far: CPU of all its threads, and its largest and present resident set. */
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

/**
 * A program that serves HTTP, in a process pinned to the first core. V8's helper threads would share it with the main thread and make a
 * collection hold up requests for a tenth of a second, so it collects without them, as the README advises for a single core. While the
 * others have their turn it is idle, which V8 takes for a chance to throw compiled code away: thousands of requests would then cost
 * several times as much. Comes back when `path` answers, other than with a 5xx.
 */
export async function startServer(
  args: readonly string[],
  env: Record<string, string>,
  path: string,
  ipc = false,
) {
  const port = await freePort()
  const begunAt = performance.now()
  const child = run(
    'taskset',
    ['-c', '0', process.execPath, '--single-threaded-gc', '--no-memory-reducer', ...args],
    { PORT: String(port), NODE_ENV: 'production', ...env },
    ipc,
  )
  const origin = `http://127.0.0.1:${port}`
  await soon(`${args.join(' ')} answers`, async () => {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
    return ((await fetch(origin + path).catch(() => undefined))?.status ?? 500) < 500
  })
  return {
    origin,
    port,
    child,
    startedInMs: performance.now() - begunAt,
    usage: () => usageOf(child),
    stop: () => stop(child),
  }
}

/** An instance of the service, from `dist`, without limits unless told otherwise. Comes back when it is ready. */
export const startInstance = (env: Record<string, string>) =>
  startServer(
    ['dist/main.js'],
    { RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_SUBJECT: 'off', ...env },
    '/health/ready',
  )
