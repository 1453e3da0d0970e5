import { expect } from 'chai'
import {
  compareIds,
  isChain,
  parseServerSentEvent,
  positionOf,
  serverSentEvent,
  streamIdOf,
  UnreadableFeed,
  type FeedEvent,
} from '../../src/feed/event.js'

const key = `t:${'A'.repeat(22)}` as const
const cutoffKey = `u:${'A'.repeat(22)}` as const

describe('a position in the feed', () => {
  it('is an id of the stream with the key, the name or the genesis of its event', () => {
    const names = [key, 'genesis', 'info-a', `info-${'a'.repeat(64)}`]
    for (const name of names)
      expect(streamIdOf(`1795000000000-12.${name}`), name).to.equal('1795000000000-12')
    const none = [
      ...['', '1-2', '1.genesis', '-2.genesis', '1-.genesis', 'a-2.genesis', '1-b.genesis'],
      ...[' 1-2.genesis', 'x1-2.genesis', '1-2.genesis ', '1-2.genesis\n', '1-2.genesis\nmore'],
      ...['1-2.', '1-2.other', '1-2.t:', `1-2.${key}A`, `1-2.x${key}`],
      ...['1-2.info-', '1-2.info-A', '1-2.xinfo-a', '1-2.info-a!', `1-2.info-${'a'.repeat(65)}`],
      ...[`${'1'.repeat(17)}-2.genesis`, `1-${'2'.repeat(17)}.genesis`],
    ]
    for (const text of none) expect(streamIdOf(text), text).to.equal(undefined)
  })

  it('comes before another one by its milliseconds, then by its sequence, as numbers', () => {
    const sorted = ['2-0', '10-9', '9-10', '10-10', '9-9'].sort(compareIds)
    expect(sorted).to.deep.equal(['2-0', '9-9', '9-10', '10-9', '10-10'])
    expect(compareIds('5-5', '5-5')).to.equal(0)
  })
})

describe('an event of the feed', () => {
  const events: FeedEvent[] = [
    { id: '1-0', entry: undefined },
    { id: '2-0', entry: { key, untilMs: 1.5 }, previous: '1-0.genesis' },
    { id: '2-1', entry: { key, untilMs: null }, previous: `2-0.${key}` },
    { id: '2-2', entry: { key: cutoffKey, untilMs: null, cutoff: 7 }, previous: `2-1.${key}` },
    { id: '3-0', entry: undefined, info: 'info-a', previous: `2-2.${cutoffKey}` },
  ]
  const sent = (event: FeedEvent) => {
    const [, id, type, data = ''] =
      /^id: (.+)\nevent: (.+)\ndata: (.+)\n\n$/.exec(serverSentEvent(event)) ?? []
    return { id, event: type, data }
  }

  it('is read as it was written', () => {
    expect(events.map((event) => parseServerSentEvent(sent(event)))).to.deep.equal(events)
    expect(events.map((event) => sent(event).id)).to.deep.equal(events.map(positionOf))
    expect(events.map((event) => sent(event).event)).to.deep.equal([
      ...['genesis', 'revocation', 'revocation', 'revocation', 'info-a'],
    ])
  })

  it('is refused when it is not what its position says, or has no position, or is no JSON', () => {
    const one = sent(events[1]!)
    const other = sent(events[3]!)
    const refused = [
      { ...one, id: undefined },
      { ...one, id: '2-0.u:other' },
      { ...one, id: '2-0.genesis' },
      { ...one, data: other.data },
      { ...one, data: '{' },
      { ...one, data: JSON.stringify({ key, untilMs: 'soon' }) },
      { ...other, data: JSON.stringify({ key: cutoffKey, untilMs: null }) },
      { ...one, event: 'another' },
      { ...one, event: undefined },
    ]
    for (const event of refused)
      expect(() => parseServerSentEvent(event), JSON.stringify(event)).to.throw(UnreadableFeed)
  })

  it('that only informs may have any data; without a position it is in no stream', () => {
    const info = { id: '1-0.info-a', event: 'info-a', data: 'no JSON' }
    expect(parseServerSentEvent(info)).to.deep.equal({
      id: '1-0',
      entry: undefined,
      info: 'info-a',
    })
    expect(parseServerSentEvent({ event: 'info-a', data: '' })).to.equal(undefined)
  })

  it('names the one before it, or none; a chain has no event that names another', () => {
    expect(isChain(events)).to.equal(true)
    expect(isChain(events.map(({ id, entry }) => ({ id, entry })))).to.equal(true)
    expect(isChain(events.slice(2)), 'what came before is not known').to.equal(true)
    expect(isChain(events.filter((_, index) => index !== 2))).to.equal(false)
    expect(isChain([])).to.equal(true)
  })
})
