import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createBroadcast } from '../../src/feed/broadcast.js'
import { until } from '../support/processes.js'

const eventAt = (id: string) => ({
  id,
  entry: { key: `t:${'A'.repeat(22)}` as const, untilMs: 1e15 },
})

describe('the broadcast of the feed', () => {
  it('sends each reader what it has not read from the store, once, in the order of publishing', async () => {
    const broadcast = createBroadcast()
    const sentIds = ['1-0', '3-0', '3-1', '9-0']
    const streams = sentIds.map((sentId) => {
      const stream = new Readable({ read: () => undefined })
      broadcast.join(stream, sentId)
      return stream
    })
    try {
      broadcast.publish(['2-0', '3-0'].map(eventAt))
      broadcast.publish([eventAt('3-1')])
      await until('they are sent', () => streams[0]!.readableLength > 0)
      broadcast.publish(['4-0', '10-0'].map(eventAt))
      broadcast.publish([])
      broadcast.end('the end')
      const received = await Promise.all(
        streams.map(async (stream) => (await stream.toArray()).join('')),
      )
      const idsOf = (text: string) => [...text.matchAll(/^id: (\d+-\d+)/gm)].map(([, id]) => id)
      expect(received.map(idsOf)).to.deep.equal([
        ['2-0', '3-0', '3-1', '4-0', '10-0'],
        ['3-1', '4-0', '10-0'],
        ['4-0', '10-0'],
        ['10-0'],
      ])
      expect(received.map((text) => text.endsWith('the end'))).not.to.include(false)
      expect(broadcast.size()).to.equal(0)
    } finally {
      broadcast.stop()
    }
  })

  it('has the lag of the slowest reader, and none once all have read everything', async () => {
    const startedMs = performance.now()
    const broadcast = createBroadcast()
    const open = () => new Readable({ read: () => undefined })
    const [fast, slow] = [open(), open()]
    let received = ''
    fast.on('data', (chunk: Buffer) => (received += chunk.toString()))
    try {
      expect(broadcast.largestLagMs()).to.equal(0)
      for (const stream of [fast, slow]) broadcast.join(stream, '1-0')
      expect(broadcast.largestLagMs(), 'both have all').to.equal(0)
      broadcast.publish([eventAt('2-0')])
      await until('the lag grows', () => broadcast.largestLagMs() > 20)
      expect(broadcast.largestLagMs()).to.be.at.most(performance.now() - startedMs)
      expect(received).to.include('id: 2-0')
      slow.resume()
      await until('the slow one has it', () => slow.readableLength === 0)
      expect(broadcast.largestLagMs()).to.equal(0)
      slow.pause()
      broadcast.publish([eventAt('3-0')])
      await until('it lags again', () => broadcast.largestLagMs() > 0)
      slow.destroy()
      await until('it has left', () => broadcast.size() === 1)
      expect(broadcast.largestLagMs()).to.equal(0)
    } finally {
      broadcast.end('')
      broadcast.stop()
    }
  })
})
