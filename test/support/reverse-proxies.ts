import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { send } from './http.js'
import { end, freePort, start, until } from './processes.js'

/** A proxy with its recipe of `scripts/examples`. */
export type ReverseProxy = { origin: string; stop(): Promise<void> }

type Recipe = { files: readonly [string, ...string[]]; command: (dir: string) => string[] }

const recipes = {
  nginx: {
    files: ['nginx.conf'],
    command: (dir) => [
      ...['nginx', '-p', dir, '-e', join(dir, 'error.log'), '-c', join(dir, 'nginx.conf')],
      ...['-g', `daemon off; pid ${join(dir, 'pid')};`],
    ],
  },
  Caddy: {
    files: ['Caddyfile'],
    command: (dir) => ['caddy', 'run', '--config', join(dir, 'Caddyfile')],
  },
  HAProxy: {
    files: ['haproxy.cfg', 'haproxy.lua'],
    command: (dir) => ['haproxy', '-db', '-C', dir, '-f', join(dir, 'haproxy.cfg')],
  },
} satisfies Record<string, Recipe>

export type ReverseProxyName = keyof typeof recipes
export const reverseProxies = Object.keys(recipes) as ReverseProxyName[]

/**
 * Starts a real proxy with its recipe, and waits until it listens.
 *
 * @param origins of the service or an agent, and of the API behind the proxy
 */
export async function startReverseProxy(
  name: ReverseProxyName,
  { cierre, api }: { cierre: string; api: string },
): Promise<ReverseProxy> {
  const { files, command }: Recipe = recipes[name]
  const dir = mkdtempSync(join(tmpdir(), 'cierre-proxy-'))
  const port = await freePort()
  for (const file of files) {
    const recipe = readFileSync(new URL(`../../scripts/examples/${file}`, import.meta.url), 'utf8')
    const text = recipe
      .replaceAll('127.0.0.1:3000', new URL(cierre).host)
      .replaceAll('127.0.0.1:8080', new URL(api).host)
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${port}`)
    writeFileSync(join(dir, file), text)
  }
  const [program = '', ...args] = command(dir)
  const child = start(program, args, {
    env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const origin = `http://127.0.0.1:${port}`
  await until(`${name} listens`, () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${out}`)
    return send(origin, {}).then(
      () => true,
      () => false,
    )
  })
  return {
    origin,
    async stop() {
      await end(child, 'SIGTERM')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
