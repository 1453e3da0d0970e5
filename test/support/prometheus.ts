import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { send } from './http.js'
import { monitoringPath } from './monitoring.js'
import { end, freePort, start, until } from './processes.js'

/** A series of an answer: its labels and its value as text. */
export type Series = Readonly<{ metric: Record<string, string>; value: [number, string] }>

export type Prometheus = {
  /** @throws Error with what Prometheus says about the query */
  query(expr: string): Promise<Series[]>
  /** What Prometheus says of each alert rule: its name and `ok`, or the error of its last run. */
  rules(): Promise<{ name: string; health: string; lastError?: string }[]>
  stop(): Promise<void>
}

/**
 * Starts a real Prometheus on 127.0.0.1, with the alerts that are shipped.
 *
 * @param origins by job, what is scraped twice a second
 */
export async function startPrometheus(origins: Record<string, string>): Promise<Prometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'cierre-prometheus-'))
  const port = await freePort()
  const file = join(dir, 'prometheus.yaml')
  const jobs = Object.entries(origins).map(([job, origin]) => ({
    job_name: job,
    static_configs: [{ targets: [new URL(origin).host] }],
  }))
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [monitoringPath('alerts.yaml')],
      scrape_configs: jobs,
    }),
  )
  const child = start('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const origin = `http://127.0.0.1:${port}`
  const ask = async <Data>(path: string): Promise<Data> => {
    const { text } = await send(origin, { path })
    const answer = JSON.parse(text) as { status: string; error?: string; data: Data }
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }
  await until('Prometheus is ready', async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus has ended: ${out}`)
    return send(origin, { path: '/-/ready' }).then(
      ({ status }) => status === 200,
      () => false,
    )
  })
  return {
    query: async (expr) => {
      const path = `/api/v1/query?query=${encodeURIComponent(expr)}`
      return (await ask<{ result: Series[] }>(path)).result
    },
    async rules() {
      type Groups = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
      return (await ask<Groups>('/api/v1/rules')).groups.flatMap(({ rules }) => rules)
    },
    async stop() {
      await end(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
