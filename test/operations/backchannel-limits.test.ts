import { expect } from 'chai'
import { backchannel } from '../support/asking.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, logoutToken, nowS, token } from '../support/tokens.js'

const requests = 5

describe('the limit per address of back-channel logout', () => {
  let service: TestService
  before(async () => {
    service = await startService({
      RATE_LIMIT_ADDRESS: `${requests}/3600`,
      JWT_ISSUERS: JSON.stringify([
        {
          issuer: 'https://issuer.test',
          secret: hmacSecret,
          backchannelAudience: 'app',
          backchannelAllow: ['no-jti'],
        },
      ]),
    })
  })
  after(() => service.stop())

  const statuses = async (tokens: readonly string[]) => {
    const found: number[] = []
    for (const jwt of tokens) found.push((await backchannel(service, jwt)).status)
    return found
  }
  const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make)
  const genuine = (count: number) => Promise.all(times(count, () => logoutToken()))

  it('200: 400 genuine logout tokens of one provider, each with a new jti', async () =>
    expect(await statuses(await genuine(400))).to.deep.equal(times(400, () => 200)))

  it('200: tokens with new jtis for one session, as a provider sends to each of its clients', async () => {
    const { sub, sid } = freshClaims()
    const iat = nowS()
    const tokens = await Promise.all(times(3 * requests, () => logoutToken({ sub, sid, iat })))
    expect(await statuses(tokens)).to.deep.equal(times(3 * requests, () => 200))
  })

  it('429: replays and refused tokens, together; 200 for genuine ones all the while', async () => {
    const withJti = await logoutToken()
    const withoutJti = await logoutToken({ jti: undefined })
    expect(await statuses([withJti, withoutJti])).to.deep.equal([200, 200])
    expect(await statuses([withJti, withoutJti, withJti])).to.deep.equal([200, 200, 200])
    const refused = ['x', await token(), await logoutToken({ exp: nowS(-1) })]
    expect(await statuses(refused)).to.deep.equal([400, 400, 429])
    expect(await statuses([withJti, withoutJti])).to.deep.equal([429, 429])
    const { headers } = await backchannel(service, 'x')
    expect(headers).to.include({ 'ratelimit-policy': `"address";q=${requests};w=3600` })
    expect(headers).to.have.property('retry-after')
    expect(await statuses(await genuine(2 * requests))).to.deep.equal(
      times(2 * requests, () => 200),
    )
  })
})
