import { expect } from 'chai'
import { catchUp, createPacedStream } from '../../src/feed/catch-up.js'
import { positionOf, type FeedEvent } from '../../src/feed/event.js'
import { createSubscribers } from '../../src/feed/subscribers.js'
import { createDeferred } from '../../src/runtime/deferred.js'
import { until } from '../support/processes.js'

const eventOf = (number: number): FeedEvent => ({
  id: `1000-${number}`,
  entry: { key: `t:${String(number).padStart(21, '0')}A`, untilMs: 1e15 },
})
const [first, second] = [eventOf(1), eventOf(2)]
/** A feed that answers a read when the test says so. */
function createHeldFeed() {
  const answer = createDeferred<FeedEvent[]>()
  let reads = 0
  const read = () => {
    reads += 1
    return answer.promise
  }
  return { answer, reads: () => reads, feed: { read, tail: async () => second } }
}

describe('a reader of the feed that catches up', () => {
  it('and leaves while the store is read: is never one of those that get what is published', async () => {
    const { answer, reads, feed } = createHeldFeed()
    const paced = createPacedStream()
    let joined = 0
    const ended = catchUp(paced, [first], {
      feed,
      position: () => positionOf(second),
      timeoutMs: 60_000,
      join: () => (joined += 1),
    })
    paced.stream.resume()
    await until('the store is read', () => reads() === 1)
    paced.stream.destroy()
    answer.resolve([first, second])
    expect([await ended, joined]).to.deep.equal(['ended', 0])
  })

  it('and must not read any more since it began: its stream ends without an event', async () => {
    const { answer, feed } = createHeldFeed()
    const subscribers = createSubscribers({
      feed,
      position: () => positionOf(first),
      timeoutMs: 60_000,
    })
    const opening = subscribers.open(positionOf(first))
    subscribers.disconnect()
    answer.resolve([first])
    expect(await (await opening).toArray()).to.deep.equal([])
    expect(subscribers.count()).to.equal(0)
  })
})
