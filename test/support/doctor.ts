import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { examine, type Report } from '../../src/doctor/run.js'
import { readSettings } from '../../src/doctor/settings.js'
import { saw } from './leaks.js'
import type { TestRedis } from './redis.js'

/** Commands for a shell that stop and start a Redis of this process. */
export async function storeCommands(redis: TestRedis) {
  const server = createServer((request, response) => {
    const work = request.url === '/stop' ? redis.kill() : redis.restart()
    void work.then(
      () => response.end(),
      () => response.writeHead(500).end(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    store: { stop: `curl -fsS ${origin}/stop`, start: `curl -fsS ${origin}/start` },
    close: () => void server.close().closeAllConnections(),
  }
}

/** Short times, except for answers: a busy machine may take long for one. */
export const limits = {
  seconds: 200,
  answerSeconds: 30,
  delaySeconds: 2,
  watchSeconds: 4,
  outageSeconds: 1,
}

/** Tries a target in this process, as `cierre doctor` does. */
export async function examineTarget(configuration: object): Promise<Report> {
  const settings = readSettings({ limits, ...configuration }, 'test')
  const report = await examine(settings, {
    env: { PATH: process.env['PATH'] },
    closing: new AbortController().signal,
  })
  saw(JSON.stringify(report))
  return report
}

/** The names of the probes with this outcome. */
export const namesOf = ({ results }: Report, wanted: Report['results'][number]['outcome']) =>
  results.filter(({ outcome }) => outcome === wanted).map(({ name }) => name)
