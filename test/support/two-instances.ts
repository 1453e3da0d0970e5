import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { send } from './http.js'
import { end, freePort, start, until } from './processes.js'

const recipe = new URL('../../scripts/examples/two-instances.conf', import.meta.url)

/** nginx with its recipe, in front of two instances; it waits until one of them is ready. */
export async function startBalancer(
  ports: readonly [number, number],
): Promise<{ origin: string; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'cierre-nginx-'))
  const front = await freePort()
  const text = readFileSync(recipe, 'utf8')
    .replace(':3000', `:${ports[0]}`)
    .replace(':3001', `:${ports[1]}`)
    .replace(':8000', `:${front}`)
  const file = join(dir, 'nginx.conf')
  writeFileSync(file, text)
  const nginx = start('nginx', [
    ...['-p', dir, '-e', join(dir, 'error.log'), '-c', file],
    ...['-g', `daemon off; pid ${join(dir, 'pid')};`],
  ])
  const origin = `http://127.0.0.1:${front}`
  await until('nginx answers', async () => {
    if (nginx.exitCode !== null) throw new Error('nginx ended')
    const answer = await send(origin, { path: '/health/ready' }).catch(() => undefined)
    return answer?.status === 200
  })
  return {
    origin,
    async stop() {
      await end(nginx, 'SIGTERM')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
