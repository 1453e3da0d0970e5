import { expect } from 'chai'
import { createReplays } from '../../src/signals/replays.js'
import type { RevocationKey } from '../../src/token/keys.js'

describe('replays of JWTs', () => {
  it('are those whose key was seen', () => {
    const replays = createReplays()
    replays.remember('j:1')
    expect(
      ['j:1', 'j:2', 't:1'].map((key) => replays.isReplay(key as RevocationKey)),
    ).to.deep.equal([true, false, false])
  })

  it('the oldest are forgotten first, and memory has a bound', () => {
    const replays = createReplays(2)
    const keys = [1, 2, 2, 3].map((id): RevocationKey => `t:${id}`)
    keys.forEach(replays.remember)
    expect(keys.map(replays.isReplay)).to.deep.equal([false, true, true, true])
  })
})
