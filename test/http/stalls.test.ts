import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { createStallRule } from '../../src/http/stalls.js'
import type { Traffic } from '../../src/http/traffic.js'
import { moveMonotonicClock } from '../support/monotonic-clock.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { holdUnread, readSlowly, sendUnread } from '../support/unread.js'

const largest = '/docs/swagger-ui-bundle.js'
const largestRequest = `GET ${largest} HTTP/1.1\r\nHost: x\r\n\r\n`

describe('the rule for connections that stand still', () => {
  /** The second in which a connection with this traffic is found to stand still. */
  const stalledAtS = (trafficAt: (second: number) => Traffic, untilS = 3_600) => {
    const isStalled = createStallRule(88_000)
    for (let second = 0; second <= untilS; second += 1)
      if (isStalled(second * 1000, trafficAt(second))) return second
    return undefined
  }
  const traffic = (takenBytes: number, unsentBytes: number, receivedBytes = 0): Traffic => ({
    takenBytes,
    unsentBytes,
    receivedBytes,
  })

  it('finds a connection where no byte moves, counted from the last movement', () => {
    expect(stalledAtS(() => traffic(0, 0))).to.equal(88)
    expect(stalledAtS(() => traffic(5, 1_000))).to.equal(88)
    expect(stalledAtS((second) => traffic(Math.min(second, 10), 1_000))).to.equal(98)
  })
  it('finds a connection whose client sends, but does not take its answer', () =>
    expect(stalledAtS((second) => traffic(5, 1_000, second))).to.equal(88))
  it('passes a slow reader, and a quiet stream with a heartbeat', () => {
    expect(stalledAtS((second) => traffic(Math.floor(second / 80), 1_000))).to.equal(undefined)
    expect(stalledAtS((second) => traffic(3 * Math.floor(second / 10), 0))).to.equal(undefined)
  })
  it('passes a connection whose client still sends its request', () =>
    expect(stalledAtS((second) => traffic(0, 0, Math.floor(second / 80)))).to.equal(undefined))
  it('counts anew when an answer begins to wait', () =>
    expect(stalledAtS((second) => traffic(0, second < 80 ? 0 : 100))).to.equal(168))

  for (const scheme of ['http', 'https'] as const) {
    describe(`over ${scheme}`, () => {
      // The tests move these ten minutes, so no timer of Node ends a connection meanwhile.
      const stepMs = 30_000
      const times = { stuckMs: 600_000, checkEveryMs: 50 }
      const dir = mkdtempSync(join(tmpdir(), 'cierre-tls-'))
      let service: TestService
      before(async () => {
        service = await startService(scheme === 'https' ? certificateIn(dir) : {}, { times })
      })
      after(async () => {
        await service.stop()
        rmSync(dir, { recursive: true })
      })
      const connections = () =>
        new Promise<number>((resolve, reject) =>
          service.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
        )

      /** Returns when the connections have been checked. */
      const checks = () => pause(3 * times.checkEveryMs)

      it('closes a connection in time whose client reads nothing of large answers', async () => {
        const clock = moveMonotonicClock()
        try {
          const sockets = await holdUnread(service.origin, largestRequest.repeat(15), 10)
          let steps = 0
          for (; (await connections()) === 10 || steps < 18; steps += 1) {
            expect(await connections(), `after ${steps} steps`).to.equal(10)
            await checks()
            clock.advance(stepMs)
          }
          await until('all are gone', async () => (await connections()) === 0)
          // Twenty steps from the last byte, which may be taken after the first steps.
          expect(steps).to.be.within(18, 35)
          sockets.forEach((socket) => socket.destroy())
        } finally {
          clock.restore()
        }
      })

      it('keeps a connection open whose client reads slowly but steadily, until every byte is read', async () => {
        const { headers } = await service.send({ path: largest })
        const clock = moveMonotonicClock()
        const socket = sendUnread(
          service.origin,
          largestRequest.repeat(4) +
            largestRequest.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
        )
        const reader = readSlowly(socket, { bytes: 64 * 1024, everyMs: 25 })
        try {
          // Time passes by the bytes read: 5 MB take as long as a connection may stand still.
          let read = 0
          while (read < 7_000_000) {
            await checks()
            clock.advance(((reader.bytes() - read) / 5_000_000) * times.stuckMs)
            read = reader.bytes()
          }
          await checks()
          reader.hurry()
          expect((await reader.received()).length).to.be.above(
            5 * Number(headers['content-length']),
          )
        } finally {
          clock.restore()
        }
      })
    })
  }
})

function certificateIn(dir: string) {
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '1',
      '-subj',
      '/CN=127.0.0.1',
    ],
    { stdio: 'ignore' },
  )
  return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key }
}
