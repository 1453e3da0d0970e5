import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { send } from './http.js'
import { end, start, until } from './processes.js'

const main = new URL('../../dist/main.js', import.meta.url).pathname

type Run = {
  /** A program in the place of `cierre` as built here. */
  program?: string
  env?: NodeJS.ProcessEnv
  args?: readonly string[]
  nodeArgs?: readonly string[]
  input?: string | undefined
}

/** `cierre`, as built into `dist/`, and what it has written so far. */
export function runMain({ program = main, env, args = [], nodeArgs = [], input }: Run = {}): {
  child: ChildProcess
  output: { out: string; err: string }
} {
  const child = start(process.execPath, [...nodeArgs, program, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout?.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
  child.stdin?.end(input)
  return { child, output }
}

/** Waits for the end of a process; `null` when a signal ended it. */
export async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** The service in its own process. */
export type Instance = {
  origin: string
  pid: number
  output: { out: string; err: string }
  signal(name: NodeJS.Signals): void
  /** Waits for the end; the exit code. */
  ended(): Promise<number | null>
  kill(): Promise<void>
}

/** Starts an instance, and waits until it is ready. */
export async function startInstance(
  port: number,
  env: Record<string, string>,
  nodeArgs?: readonly string[],
  program?: string,
): Promise<Instance> {
  const { child, output } = runMain({
    env: {
      PORT: String(port),
      RATE_LIMIT_ADDRESS: 'off',
      RATE_LIMIT_SUBJECT: 'off',
      STORE_TIMEOUT_MS: '20000',
      ...env,
    },
    ...(nodeArgs && { nodeArgs }),
    ...(program !== undefined && { program }),
  })
  const origin = `http://127.0.0.1:${port}`
  await until('the instance is ready', async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.err}`)
    return (await send(origin, { path: '/health/ready' }).catch(() => undefined))?.status === 200
  })
  return {
    origin,
    pid: child.pid ?? 0,
    output,
    signal: (name) => void child.kill(name),
    ended: () => exitCode(child),
    kill: () => end(child),
  }
}
