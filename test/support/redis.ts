import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { createClient, type RedisClientType } from '@keyv/redis'
import { saw } from './leaks.js'
import { end, freePort, start, until } from './processes.js'

/** A real Redis on a port of its own, which can be stopped, killed and started again on the same data. */
export type TestRedis = {
  url: string
  port: number
  client: RedisClientType
  /** Stops answering without closing anything. */
  pause(): void
  resume(): void
  kill(): Promise<void>
  /** Starts it again; `empty` loses all data. */
  restart(options?: { empty?: boolean }): Promise<void>
  /** Everything under cierre's keys, as text. */
  dump(): Promise<string>
  stop(): Promise<void>
}

export async function startRedis(extra: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'cierre-redis-'))
  const args = [
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
    'always',
    '--daemonize',
    'no',
    '--maxmemory-policy',
    'noeviction',
    '--enable-debug-command',
    'local',
    ...extra,
  ]
  let child: ChildProcess | undefined
  let client: RedisClientType | undefined
  const password = /--requirepass (\S+)/.exec(extra.join(' '))?.[1]
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`
  const up = async () => {
    child = start('redis-server', args)
    const fresh = createClient({ url, socket: { reconnectStrategy: () => 20 } }) as RedisClientType
    fresh.on('error', () => undefined)
    await fresh.connect()
    await until('redis answers', async () => (await fresh.ping().catch(() => '')) === 'PONG')
    client = fresh
  }
  const down = async (signal: NodeJS.Signals) => {
    client?.destroy()
    client = undefined
    if (child === undefined) return
    child.kill('SIGCONT')
    await end(child, signal)
    child = undefined
  }
  const dump = async () => {
    if (client === undefined) return ''
    const lines: string[] = []
    for await (const keys of client.scanIterator({ MATCH: 'cierre:*', COUNT: 1000 })) {
      for (const key of keys) {
        const type = await client.type(key)
        lines.push(
          `${key} ${type === 'stream' ? JSON.stringify(await client.xRange(key, '-', '+')) : await client.get(key)}`,
        )
      }
    }
    return lines.join('\n')
  }
  await up()
  return {
    url,
    port,
    get client() {
      if (client === undefined) throw new Error('this Redis is down')
      return client
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: () => down('SIGKILL'),
    async restart({ empty = false } = {}) {
      await down('SIGKILL')
      if (empty) rmSync(join(dir, 'appendonlydir'), { recursive: true, force: true })
      await up()
    },
    dump,
    async stop() {
      child?.kill('SIGCONT')
      saw(await dump())
      await down('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
