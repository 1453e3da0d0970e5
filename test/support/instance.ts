import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { send } from './http.js'
import { end, start, until } from './processes.js'

const main = new URL('../../dist/main.js', import.meta.url).pathname

/** The service in a process of its own, as built into `dist/`. */
export type Instance = {
  origin: string
  output: { out: string; err: string }
  signal(name: NodeJS.Signals): void
  /** Exit code. */
  ended(): Promise<number | null>
  kill(): Promise<void>
}

/** Comes back when it is ready. */
export async function startInstance(port: number, env: Record<string, string>, nodeArgs: readonly string[] = []): Promise<Instance> {
  const child: ChildProcess = start(process.execPath, [...nodeArgs, main], { env: { PATH: process.env['PATH'], PORT: String(port), RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_SUBJECT: 'off', ...env } })
  const output = { out: '', err: '' }
  child.stdout?.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
  const origin = `http://127.0.0.1:${port}`
  await until('the instance is ready', async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.err}`)
    return (await send(origin, { path: '/health/ready' }).catch(() => undefined))?.status === 200
  })
  return {
    origin,
    output,
    signal: (name) => void child.kill(name),
    async ended() {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return child.exitCode
    },
    kill: () => end(child),
  }
}
