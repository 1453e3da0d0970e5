import { expect } from 'chai'
import { createKeySetFetches } from '../../src/token/key-set-fetches.js'

/** Fetches whose time and outcome the test moves. */
function fetchesAt(startMs = 0) {
  let nowMs = startMs
  const begun: { atMs: number; end: (isLoaded: boolean) => Promise<void> }[] = []
  const load = () =>
    new Promise<boolean>((resolve) =>
      begun.push({
        atMs: nowMs,
        end: async (isLoaded) => {
          resolve(isLoaded)
          await Promise.resolve()
          await Promise.resolve()
        },
      }),
    )
  const fetches = createKeySetFetches(load, () => nowMs)
  return { fetches, begun, at: (ms: number) => void (nowMs = ms) }
}

/** What a promise has settled to so far. */
async function settled<T>(promise: Promise<T>): Promise<T | 'pending'> {
  return Promise.race([
    promise,
    new Promise<'pending'>((resolve) => setImmediate(resolve, 'pending')),
  ])
}

describe('when a key set is fetched', () => {
  it('at once, then every 300 s; every 5 s until it has been loaded once', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    await begun[0]?.end(false)
    for (const ms of [0, 4_999, 5_000]) {
      at(ms)
      fetches.tick()
    }
    expect(begun.map(({ atMs }) => atMs)).to.deep.equal([0, 5_000])
    await begun[1]?.end(true)
    for (const ms of [10_000, 304_999, 305_000]) {
      at(ms)
      fetches.tick()
    }
    expect(begun.map(({ atMs }) => atMs)).to.deep.equal([0, 5_000, 305_000])
  })

  it('a refresh that failed is repeated after 30 s', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    await begun[0]?.end(true)
    at(300_000)
    fetches.tick()
    await begun[1]?.end(false)
    for (const ms of [329_999, 330_000]) {
      at(ms)
      fetches.tick()
    }
    await begun[2]?.end(true)
    for (const ms of [360_000, 629_999, 630_000]) {
      at(ms)
      fetches.tick()
    }
    expect(begun.map(({ atMs }) => atMs)).to.deep.equal([0, 300_000, 330_000, 630_000])
  })

  it('a caller waits for a fetch that begins after the call, not for one under way', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    expect(fetches.isCoolingDown(), 'one is under way').to.equal(true)
    const [first, second] = [fetches.next(), fetches.next()]
    await begun[0]?.end(true)
    expect([await settled(first), fetches.isCoolingDown()]).to.deep.equal(['pending', true])
    at(4_999)
    fetches.tick()
    expect(begun).to.have.length(1)
    at(5_000)
    fetches.tick()
    expect(begun).to.have.length(2)
    const late = fetches.next()
    await begun[1]?.end(true)
    expect(
      [await first, await second, await settled(late)],
      'shared by the callers from before its begin',
    ).to.deep.equal([true, true, 'pending'])
    at(10_000)
    expect(fetches.isCoolingDown()).to.equal(false)
    fetches.tick()
    await begun[2]?.end(false)
    expect(await late, 'it failed').to.equal(false)
  })

  it('after a bad signature: shares the fetch under way, or is due once in 30 s; unknown after a failed fetch', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    const shared = fetches.afterBadSignature()
    await begun[0]?.end(true)
    expect(await shared).to.equal(true)
    at(29_999)
    expect(fetches.afterBadSignature(), 'what is known is not older than 30 s').to.equal(undefined)
    at(30_000)
    const due = fetches.afterBadSignature()
    expect(begun).to.have.length(2)
    await begun[1]?.end(false)
    expect(await due).to.equal(false)
    at(59_999)
    expect(await fetches.afterBadSignature()).to.equal(false)
    expect(begun).to.have.length(2)
    at(60_000)
    const again = fetches.afterBadSignature()
    await begun[2]?.end(true)
    expect([await again, fetches.afterBadSignature()]).to.deep.equal([true, undefined])
  })

  it('no other begins while one is under way, however long that takes', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    at(400_000)
    fetches.tick()
    expect(fetches.isCoolingDown()).to.equal(true)
    const [waiting, again] = [fetches.next(), fetches.afterBadSignature()]
    expect([begun.length, again]).to.deep.equal([1, fetches.running()])
    await begun[0]?.end(true)
    expect([await settled(waiting), await again, fetches.running()]).to.deep.equal([
      'pending',
      true,
      undefined,
    ])
    fetches.tick()
    await begun[1]?.end(true)
    expect(await waiting).to.equal(true)
  })

  it('none after closing, also if one were due', async () => {
    const { fetches, begun, at } = fetchesAt()
    fetches.tick()
    await begun[0]?.end(true)
    fetches.close()
    at(300_000)
    expect([await fetches.next(), begun.length]).to.deep.equal([false, 1])
  })

  it('a clock that was set back delays no fetch, and closing ends the waits', async () => {
    const { fetches, begun, at } = fetchesAt(1_000_000)
    fetches.tick()
    await begun[0]?.end(true)
    at(0)
    expect(fetches.isCoolingDown()).to.equal(false)
    at(1_000_001)
    const waiting = fetches.next()
    fetches.close()
    expect([await waiting, await fetches.next()]).to.deep.equal([false, false])
  })
})
