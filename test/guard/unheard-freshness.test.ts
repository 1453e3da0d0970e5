import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import { createTestGuard } from '../../src/guard/testing.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { freePort, until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('a guard without listeners', () => {
  const printed: string[] = []
  const { warn } = console
  before(() => (console.warn = (line: string) => void printed.push(line)))
  beforeEach(() => printed.splice(0))
  after(() => (console.warn = warn))

  const checkOften = async (guard: Guard) => {
    for (let each = 0; each < 20; each += 1)
      expect(await statusOf(guard, await token())).to.equal(503)
  }

  it('warns on the console once when it becomes stale and once when it is fresh again; with a listener never', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    let aheadMs = 0
    const clock = {
      now: () => Date.now() + aheadMs,
      monotonicMs: () => performance.now() + aheadMs,
    }
    const [unheard, heard] = [1, 2].map(() =>
      startGuard(service.origin, { maxStalenessMs: 60_000, clock }),
    ) as [Guard, Guard]
    heard.on('warning', () => undefined)
    try {
      await Promise.all([unheard.ready(), heard.ready()])
      const { port } = new URL(service.origin)
      await service.stop()
      aheadMs = 120_000
      await until('both are stale', () => !unheard.stats().fresh && !heard.stats().fresh)
      await checkOften(unheard)
      await until('it has said so', () => printed.length > 0)
      const [line] = printed
      expect(line).to.match(/^cierre guard: stale: valid tokens get 503, .* Reason: \S/)
      // The guard repeats its requests, and each failure is a warning.
      const { reconnects } = unheard.stats()
      await until('it has tried again', () => unheard.stats().reconnects >= reconnects + 2)
      const again = await startService({ CLIENTS: clientsVariable }, { port: Number(port) })
      try {
        await until('both are fresh', () => unheard.stats().fresh && heard.stats().fresh)
        await until('it says so', () => printed.at(-1) === 'cierre guard: fresh again')
        // A busy machine may make the guard stale more than once. The first freshness is no news.
        const kinds = printed.map((text) => text.replace(/^cierre guard: (\w+).*$/, '$1'))
        expect(kinds).to.deep.equal(kinds.map((_, index) => (index % 2 ? 'fresh' : 'stale')))
        expect(kinds, 'not one for each check').to.have.length.below(20)
      } finally {
        await again.stop()
      }
    } finally {
      await Promise.all([unheard.close(), heard.close()])
    }
  })

  it('warns once, with the reason, when it cannot become fresh at all', async () => {
    const guard = startGuard(`http://127.0.0.1:${await freePort()}`)
    try {
      await until('it has tried', () => guard.stats().reconnects >= 3)
      await checkOften(guard)
      expect(printed).to.have.length(1)
      expect(printed[0]).to.include('ECONNREFUSED')
    } finally {
      await guard.close()
    }
    expect(printed, 'closing is no news').to.have.length(1)
  })

  it('prints nothing for a test guard, which a test makes stale on purpose', async () => {
    const { setStale, close } = createTestGuard()
    setStale(true)
    setStale(false)
    await close()
    expect(printed).to.deep.equal([])
  })
})
