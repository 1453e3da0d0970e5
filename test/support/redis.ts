import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { RedisClientType } from '@keyv/redis'
import { newClient } from '../../src/store/redis/client.js'
import { saw } from './leaks.js'
import { end, freePort, start, until } from './processes.js'

/** A real Redis on its own port. A test can stop it, kill it and start it again on the same data. */
export type TestRedis = {
  url: string
  port: number
  /** The port for other servers and for clients that speak TLS, where it has one. */
  peerPort: number
  client: RedisClientType
  /** Stops answering without closing anything. */
  pause(): void
  resume(): void
  kill(): Promise<void>
  /** Kills it if it runs, and starts it again; with `empty` without its data. */
  restart(options?: { empty?: boolean }): Promise<void>
  /** Everything under cierre's keys, as text. */
  dump(): Promise<string>
  /** Reads everything that it stored, so that no secret is among it. */
  inspect(): Promise<void>
  /** Stops it and removes its data, unread. */
  discard(): Promise<void>
  /** Reads everything that it stored, and removes it. */
  stop(): Promise<void>
}

const argumentsOf = (port: number, dir: string, extra: readonly string[]) => [
  ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--daemonize', 'no'],
  ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
  ...['--maxmemory-policy', 'noeviction', '--enable-debug-command', 'local'],
  // By default a primary waits five seconds for further replicas before it fills the first.
  ...['--repl-diskless-sync-delay', '0'],
  ...extra,
]

async function connectTo(url: string, isCluster: boolean): Promise<RedisClientType> {
  const client = newClient({
    url,
    socket: { reconnectStrategy: () => 20 },
    // A replica in a cluster answers reads only to such a client.
    readonly: isCluster,
  })
  client.on('error', () => undefined)
  await client.connect()
  await until('redis answers', async () => (await client.ping().catch(() => '')) === 'PONG')
  return client
}

async function dumpOf(client: RedisClientType): Promise<string> {
  const lines: string[] = []
  for await (const keys of client.scanIterator({ MATCH: 'cierre:*', COUNT: 1000 }))
    for (const key of keys) {
      const isStream = (await client.type(key)) === 'stream'
      const value = isStream
        ? JSON.stringify(await client.xRange(key, '-', '+'))
        : await client.get(key)
      lines.push(`${key} ${value}`)
    }
  return lines.join('\n')
}

export async function startRedis(extra: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'cierre-redis-'))
  const password = /--requirepass (\S+)/.exec(extra.join(' '))?.[1]
  const tlsPort = /--tls-port (\d+)/.exec(extra.join(' '))?.[1]
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let client: RedisClientType | undefined
  const up = async () => {
    child = start('redis-server', argumentsOf(port, dir, extra))
    client = await connectTo(url, extra.includes('--cluster-enabled'))
  }
  const down = async () => {
    client?.destroy()
    client = undefined
    child?.kill('SIGCONT')
    if (child !== undefined) await end(child, 'SIGKILL')
    child = undefined
  }
  const dump = async () => (client === undefined ? '' : dumpOf(client))
  const inspect = async () => {
    child?.kill('SIGCONT')
    // A node of a cluster that has just failed over answers no command for a moment.
    await until('what it stored can be read', () =>
      dump().then(
        (text) => (saw(text), true),
        () => false,
      ),
    )
  }
  const discard = async () => {
    await down()
    rmSync(dir, { recursive: true, force: true })
  }
  await up()
  return {
    url,
    port,
    peerPort: Number(tlsPort ?? port),
    get client() {
      if (client === undefined) throw new Error('this Redis is down')
      return client
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: down,
    async restart({ empty = false } = {}) {
      await down()
      if (empty) rmSync(join(dir, 'appendonlydir'), { recursive: true, force: true })
      await up()
    },
    dump,
    inspect,
    discard,
    async stop() {
      await inspect()
      await discard()
    },
  }
}
