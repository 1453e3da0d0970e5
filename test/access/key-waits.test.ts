import { expect } from 'chai'
import { limitKeyWaits } from '../../src/access/key-waits.js'
import type { Verification } from '../../src/token/verification.js'

describe('the address that key waits count against', () => {
  it('is an IPv4 address or an IPv6 /64; a check has none', async () => {
    const seen: unknown[] = []
    const verification: Verification = {
      verify: async (_jwt, waiter) => {
        seen.push(waiter)
        throw new Error('unused')
      },
    }
    const { verify } = limitKeyWaits(() => verification)
    for (const address of ['192.0.2.1', '2001:db8:1:2:3::4', undefined])
      await verify('jwt', address).catch(() => undefined)
    expect(seen).to.deep.equal(['192.0.2.1', '2001:db8:1:2::/64', undefined])
  })
})
