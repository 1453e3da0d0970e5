import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createBroadcast } from '../../src/feed/broadcast.js'
import { until } from '../support/processes.js'

describe('the broadcast of the feed', () => {
  it('has the lag of the slowest reader, and none once all have read everything', async () => {
    const broadcast = createBroadcast()
    const open = () => new Readable({ read: () => undefined })
    const [fast, slow] = [open(), open()]
    let received = ''
    fast.on('data', (chunk: Buffer) => (received += chunk.toString()))
    try {
      expect(broadcast.largestLagMs()).to.equal(0)
      for (const stream of [fast, slow]) broadcast.join(stream, '1-0')
      expect(broadcast.largestLagMs(), 'both have all').to.equal(0)
      broadcast.publish([{ id: '2-0', entry: { key: `t:${'A'.repeat(22)}`, untilMs: 1e15 } }])
      await until('the lag grows', () => broadcast.largestLagMs() > 20)
      expect(received).to.include('id: 2-0')
      slow.resume()
      await until('the slow one has it', () => slow.readableLength === 0)
      expect(broadcast.largestLagMs()).to.equal(0)
      slow.pause()
      broadcast.publish([{ id: '3-0', entry: { key: `t:${'B'.repeat(22)}`, untilMs: 1e15 } }])
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
