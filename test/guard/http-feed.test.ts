import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startEventRelay, type Fate } from '../support/event-relay.js'
import { startGuard, statusOf } from '../support/guard.js'
import { repeats } from '../support/long.js'
import { until } from '../support/processes.js'
import { createRandom } from '../support/random.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

/** A token, and the time at which the 200 of its logout was received. */
type Revoked = Readonly<{ jwt: string; atMs: number }>

describe('a guard behind a relay that spoils the event stream', function () {
  this.timeout(120_000)
  let service: TestService
  let fateOf: (event: string) => Fate = () => 'pass'
  let relay: Awaited<ReturnType<typeof startEventRelay>>
  const guards: Guard[] = []

  beforeEach(async () => {
    fateOf = () => 'pass'
    service = await startService({ CLIENTS: clientsVariable })
    relay = await startEventRelay(service.origin, (event) => fateOf(event))
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
    await relay.stop()
    await service.stop()
  })

  const openGuard = async () => {
    const guard = startGuard(relay.origin, { maxStalenessMs: 60_000 })
    guards.push(guard)
    guard.on('warning', () => undefined)
    await guard.ready(60_000)
    return guard
  }
  const logOut = async (): Promise<Revoked> => {
    const jwt = await token()
    expect((await service.logout(jwt)).status).to.equal(200)
    return { jwt, atMs: performance.now() }
  }
  /** Whether the guard accepts a token that was revoked before the moment of its freshness. */
  const isWrong = async (guard: Guard, { jwt, atMs }: Revoked) => {
    // Read before the check: during the check the guard can only become fresher.
    const freshAsOf = performance.now() - guard.stats().stalenessMs
    return (await statusOf(guard, jwt)) === 200 && atMs < freshAsOf - 1
  }

  for (const [fate, what] of [
    ['lose', 'lost'],
    ['repeat', 'repeated'],
    ['delay', 'delivered after the next'],
  ] as const)
    it(`one event is ${what}: the guard notices, takes a snapshot, and is never fresh over a hole`, async () => {
      const guard = await openGuard()
      let seen = 0
      fateOf = () => ((seen += 1) === 3 ? fate : 'pass')
      const revoked: Revoked[] = []
      for (let one = 0; one < 6; one += 1) {
        revoked.push(await logOut())
        for (const each of revoked) expect(await isWrong(guard, each)).to.equal(false)
      }
      await until('it notices', () => guard.stats().gaps === 1)
      const provenSince = performance.now()
      await until('it is fresh again', async () => {
        for (const each of revoked) expect(await isWrong(guard, each)).to.equal(false)
        return performance.now() - guard.stats().stalenessMs > provenSince
      })
      for (const { jwt } of revoked) expect(await statusOf(guard, jwt)).to.equal(401)
      expect(guard.stats().snapshots).to.equal(2)
    })

  it('the last event is lost: the guard is not proved fresh, asks for the events again, and has all of them', async () => {
    const guard = await openGuard()
    let seen = 0
    fateOf = () => ((seen += 1) === 2 ? 'lose' : 'pass')
    const revoked = [await logOut(), await logOut()]
    const askedAt = performance.now()
    await until('it is fresh again', async () => {
      for (const each of revoked) expect(await isWrong(guard, each)).to.equal(false)
      return performance.now() - guard.stats().stalenessMs > askedAt
    })
    for (const { jwt } of revoked) expect(await statusOf(guard, jwt)).to.equal(401)
    expect(guard.stats().snapshots, 'its position is still good').to.equal(1)
  })

  it('events are lost, repeated and delayed at random: no token is accepted that was revoked before the moment of freshness', async () => {
    const seed = randomInt(2 ** 31)
    const random = createRandom(seed)
    const fates: Fate[] = ['lose', 'repeat', 'delay']
    fateOf = () => (random(20) === 0 ? fates[random(3)]! : 'pass')
    const all = [await openGuard(), await openGuard()]
    const revoked: Revoked[] = []
    const revoking = async () => {
      while (revoked.length < repeats(300, 5_000)) {
        revoked.push(await logOut())
        const one = revoked[random(revoked.length)]!
        for (const guard of all)
          for (const each of [one, revoked.at(-1)!])
            expect(await isWrong(guard, each), `seed ${seed}`).to.equal(false)
      }
    }
    await Promise.all([revoking(), revoking(), revoking()])
    fateOf = () => 'pass'
    for (const guard of all) {
      expect(guard.stats().gaps, 'the faults were felt').to.be.above(0)
      for (const { jwt } of revoked)
        await until('it is refused', async () => (await statusOf(guard, jwt)) === 401)
    }
  }).timeout(600_000)
})
