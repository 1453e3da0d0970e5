import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What every figure is worth nothing without. */
export function machine(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim()
  const redis = execFileSync('redis-server', ['--version']).toString().split(' ')[2]
  return `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; Redis ${redis}; commit ${commit}; ${new Date().toISOString().slice(0, 10)}`
}

export const quantile = (values: readonly number[], q: number) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN
export const median = (values: readonly number[]) => quantile(values, 0.5)

const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, ipc = false): ChildProcess {
  const child = spawn(command, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'inherit', ...(ipc ? ['ipc' as const] : [])] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Asks until it is so, 60 s at most. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error('it never happened')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A Redis of its own, as the production guide has it unless told otherwise. */
export async function startRedis(fsync = 'always') {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'cierre-bench-'))
  const child = run('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes', '--appendfsync', fsync, '--maxmemory-policy', 'noeviction'])
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await stop(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** An instance of the service in a process of its own, from `dist`. */
export async function startInstance(env: Record<string, string>) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = run(process.execPath, ['dist/main.js'], { PORT: String(port), RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_SUBJECT: 'off', ...env })
  await until(async () => (await fetch(`${origin}/health/ready`).catch(() => undefined))?.status === 200)
  return {
    origin,
    /** CPU seconds and resident bytes so far. */
    usage() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      const [, rss = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      return { cpuS: (Number(fields[11]) + Number(fields[12])) / 100, rssBytes: Number(rss) * 1024 }
    },
    stop: () => stop(child),
  }
}
