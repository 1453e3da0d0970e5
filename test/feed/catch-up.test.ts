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

  /** Reads from pages that are given in turn, and what came of it. */
  async function caughtUp(pages: readonly FeedEvent[][], held: FeedEvent | undefined) {
    const asked: string[] = []
    const read = async (id: string) => pages[asked.push(id) - 1] ?? []
    const paced = createPacedStream()
    let joinedAt: string | undefined
    const outcome = await catchUp(paced, [first, second], {
      feed: { read, tail: async () => held },
      position: () => held && positionOf(held),
      timeoutMs: 60_000,
      join: (stream, sentId) => {
        joinedAt = sentId
        stream.push(null)
      },
    })
    if (joinedAt === undefined) paced.stream.push(null)
    const text = Buffer.concat(await paced.stream.toArray()).toString()
    const previous = [...text.matchAll(/^id: \d+-(\d+)\..*\n.*\n.*?(?:"previous":"\d+-(\d+)|$)/gm)]
    return { outcome, asked, joinedAt, sent: previous.map(([, id, one]) => `${id} after ${one}`) }
  }
  const from = (number: number, end: number) =>
    Array.from({ length: end - number + 1 }, (_, index) => eventOf(number + index))

  it('gets every page once, each event with the one before it, until it has what is held', async () => {
    expect(await caughtUp([from(2, 4), from(4, 6)], eventOf(5))).to.deep.equal({
      outcome: 'joined',
      asked: ['1000-2', '1000-4'],
      joinedAt: '1000-6',
      sent: [
        ...['1 after undefined', '2 after 1', '3 after 2', '4 after 3'],
        ...['5 after 4', '6 after 5'],
      ],
    })
    const { outcome, asked, joinedAt } = await caughtUp([], second)
    expect([outcome, asked, joinedAt]).to.deep.equal(['joined', [], '1000-2'])
  })

  it('meets a gap when a page does not begin where the last one ended, or nothing is held', async () => {
    const sent = ['1 after undefined', '2 after 1']
    const gaps: [FeedEvent[][], FeedEvent | undefined, string[]][] = [
      [[from(3, 4)], eventOf(4), sent],
      [[[]], eventOf(4), sent],
      [[from(2, 3), from(4, 5)], eventOf(5), [...sent, '3 after 2']],
      [[], undefined, sent],
    ]
    for (const [pages, held, all] of gaps) {
      const caught = await caughtUp(pages, held)
      expect([caught.outcome, caught.joinedAt, caught.sent]).to.deep.equal(['gap', undefined, all])
    }
  })

  it('and reads slowly: the store is asked for more only when its reader has read', async () => {
    const { answer, reads, feed } = createHeldFeed()
    const paced = createPacedStream()
    const page = Array.from({ length: 1_000 }, (_, index) => eventOf(index))
    const ended = catchUp(paced, page, {
      feed,
      position: () => positionOf(eventOf(2_000)),
      timeoutMs: 60_000,
      join: () => undefined,
    })
    await new Promise(setImmediate)
    expect([reads(), paced.stream.readableLength > 64 * 1024]).to.deep.equal([0, true])
    paced.stream.resume()
    await until('the store is read', () => reads() === 1)
    paced.stream.destroy()
    answer.resolve([page.at(-1)!])
    expect(await ended).to.equal('ended')
  })

  it('and leaves before it has read: is waited for no longer', async () => {
    const { stream, whenRead } = createPacedStream()
    stream.push(Buffer.alloc(64 * 1024))
    const waiting = whenRead()
    stream.destroy()
    await waiting
    await whenRead()
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
