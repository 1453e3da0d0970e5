import { expect } from 'chai'
import { backchannel } from '../support/asking.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, logoutEvent, logoutToken, nowS } from '../support/tokens.js'

/** Entries of `JWT_ISSUERS`, by the name that each is tested by. */
const settings = {
  strict: {},
  'typ-jwt': { backchannelAllow: 'typ-jwt' },
  'typ-absent': { backchannelAllow: ['typ-absent'] },
  any: { backchannelTyp: 'any', backchannelAllow: [] },
  'no-exp': { backchannelAllow: ['no-exp'] },
  'no-jti': { backchannelAllow: ['no-jti'] },
  own: { backchannelTyp: 'provider-logout' },
}
type Name = keyof typeof settings
const names = Object.keys(settings) as Name[]

describe('what an issuer may let its logout tokens lack or have (backchannelAllow)', () => {
  let service: TestService
  let nowMs: number
  before(async () => {
    service = await startService(
      {
        JWT_ISSUERS: JSON.stringify(
          names.map((name) => ({
            issuer: `https://${name}.test`,
            secret: hmacSecret,
            backchannelAudience: 'app',
            ...settings[name],
          })),
        ),
      },
      { now: () => nowMs },
    )
  })
  beforeEach(() => (nowMs = Date.now()))
  after(() => service.stop())

  /** The names of the settings that accept a token. */
  const acceptedBy = async (claims: object, header: object = { typ: 'logout+jwt' }) => {
    const accepted: Name[] = []
    for (const name of names) {
      const jwt = await logoutToken({ iss: `https://${name}.test`, ...claims }, { ...header })
      const { status } = await backchannel(service, jwt)
      expect(status).to.be.oneOf([200, 400])
      if (status === 200) accepted.push(name)
    }
    return accepted
  }
  const allButOwn = names.filter((name) => name !== 'own')

  const shapes: [what: string, claims: object, header: object, accepted: Name[]][] = [
    ['typ logout+jwt', {}, { typ: 'logout+jwt' }, allButOwn],
    ['typ application/logout+JWT', {}, { typ: 'application/logout+JWT' }, allButOwn],
    ['typ JWT', {}, { typ: 'JWT' }, ['typ-jwt', 'any']],
    ['typ jwt', {}, { typ: 'jwt' }, ['typ-jwt', 'any']],
    ['no typ', {}, { typ: undefined }, ['typ-absent', 'any']],
    ['the typ of one provider', {}, { typ: 'provider-logout' }, ['own']],
    ['no exp', { exp: undefined }, { typ: 'logout+jwt' }, ['no-exp']],
    ['no jti', { jti: undefined }, { typ: 'logout+jwt' }, ['no-jti']],
    ['an empty jti', { jti: '' }, { typ: 'logout+jwt' }, ['no-jti']],
    ['neither typ nor exp', { exp: undefined }, { typ: undefined }, []],
  ]
  for (const [what, claims, header, accepted] of shapes)
    it(`200 with ${accepted.join(', ') || 'no single setting'}, else 400: ${what}`, async () =>
      expect(await acceptedBy(claims, header)).to.deep.equal(accepted))

  const neverAccepted: [what: string, claims: object, header: object][] = [
    ['typ of an access token', {}, { typ: 'at+jwt' }],
    ['typ of a security event', {}, { typ: 'secevent+jwt' }],
    ['typ of a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['typ null', {}, { typ: null }],
    ['no events', { events: undefined }, { typ: 'logout+jwt' }],
    ['another event', { events: { 'https://issuer.test/event': {} } }, { typ: 'logout+jwt' }],
    ['a nonce', { nonce: 'x' }, { typ: 'logout+jwt' }],
    ['a nonce, as in an ID token', { nonce: 'x', events: undefined }, { typ: 'JWT' }],
    ['an exp of null', { exp: null }, { typ: 'logout+jwt' }],
    ['expired', { exp: nowS(-1) }, { typ: 'logout+jwt' }],
    ['the event as an array', { events: [logoutEvent] }, { typ: 'logout+jwt' }],
  ]
  for (const [what, claims, header] of neverAccepted)
    it(`400 with any setting: ${what}`, async () =>
      expect(await acceptedBy(claims, header)).to.deep.equal([]))

  it('no-exp: iat may be 300 s old, and no older; with exp it may', async () => {
    const iat = nowS()
    const statusOf = async (ageMs: number, exp?: number) => {
      nowMs = iat * 1000 + ageMs
      const jwt = await logoutToken({ iss: 'https://no-exp.test', iat, exp })
      return (await backchannel(service, jwt)).status
    }
    expect([await statusOf(300_000), await statusOf(300_001)]).to.deep.equal([200, 400])
    expect(service.logged().map(({ reason }) => reason)).to.include('logout_token_too_old')
    expect(await statusOf(300_001, iat + 600)).to.equal(200)
  })
})
