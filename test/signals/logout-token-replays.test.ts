import { expect } from 'chai'
import { createLogoutTokenReplays } from '../../src/signals/logout-token-replays.js'
import type { VerifiedToken } from '../../src/token/verification.js'

const tokenWith = (keys: VerifiedToken['keys']) => ({ keys }) as VerifiedToken

describe('replays of logout tokens', () => {
  it('have a jti that was seen, or without one are the same token', () => {
    const replays = createLogoutTokenReplays()
    replays.remember(tokenWith({ t: 't:1', j: 'j:1' }))
    replays.remember(tokenWith({ t: 't:3' }))
    const isReplay = (keys: VerifiedToken['keys']) => replays.isReplay(tokenWith(keys))
    expect(isReplay({ t: 't:2', j: 'j:1' }), 'the same jti').to.equal(true)
    expect(isReplay({ t: 't:1', j: 'j:2' }), 'another jti').to.equal(false)
    expect(isReplay({ t: 't:3' }), 'the same token without jti').to.equal(true)
    expect(isReplay({ t: 't:4' }), 'another token without jti').to.equal(false)
  })

  it('the oldest are forgotten first, and memory has a bound', () => {
    const replays = createLogoutTokenReplays(2)
    const tokens = [1, 2, 2, 3].map((id) => tokenWith({ t: `t:${id}` }))
    tokens.forEach(replays.remember)
    expect(tokens.map(replays.isReplay)).to.deep.equal([false, true, true, true])
  })
})
