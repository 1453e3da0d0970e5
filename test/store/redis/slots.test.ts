import { expect } from 'chai'
import { slotOf } from '../../../src/store/redis/slots.js'
import { createRandom } from '../../support/random.js'
import { freePort } from '../../support/processes.js'
import { startRedis } from '../../support/redis.js'

describe('the slot of a key', () => {
  it('is the one that Redis computes, with and without a hash tag', async () => {
    const port = String(await freePort())
    const redis = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', port])
    try {
      const random = createRandom(1)
      const characters = ['a', 'b', '{', '}', ':', 'é', '7']
      const keys = Array.from({ length: 300 }, () =>
        Array.from({ length: random(9) + 1 }, () => characters[random(7)]).join(''),
      )
      for (const key of ['cierre:{c}:feed', '123456789', '{}a', 'a{}{b}', 'a{b}{c}', ...keys])
        expect(slotOf(key), key).to.equal(
          Number(await redis.client.sendCommand(['CLUSTER', 'KEYSLOT', key])),
        )
    } finally {
      await redis.stop()
    }
  })
})
