import { expect } from 'chai'
import type { Answer } from '../support/http.js'
import { faultsOf } from '../support/contract.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, nowS, sign, token } from '../support/tokens.js'

const [own, page, stranger] = [
  'https://auth.example.com',
  'https://app.example.com',
  'https://evil.example.com',
]
const expiring =
  '__Host-token=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
const variables = {
  AUTH_COOKIE: '__Host-token; Path=/; HttpOnly; Secure; SameSite=Lax',
  PUBLIC_URL: own,
  CORS_ORIGINS: page,
}

describe('logout with the token in a cookie', () => {
  let service: TestService
  before(async () => {
    service = await startService({ ...variables, SESSION_COOKIES: 'sid; Path=/' })
  })
  after(() => service.stop())

  type Headers = Record<string, string | string[]>
  const logout = async (headers: Headers, body: unknown = {}): Promise<Answer> => {
    const answer = await service.send({
      method: 'POST',
      path: '/api/v1/auth/logout',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    expect(faultsOf('logout', answer)).to.deep.equal([])
    return answer
  }
  const withCookie = (jwt: string, origin = own): Headers => ({
    cookie: `theme=dark; __Host-token=${jwt}`,
    origin,
  })
  const isGood = async (jwt: string) => (await service.logout(jwt)).status === 200

  it('200: from the page’s own origin and from one of CORS_ORIGINS; the cookie is expired', async () => {
    for (const origin of [own, page]) {
      const jwt = await token()
      const answer = await logout(withCookie(jwt, origin))
      expect(answer.status).to.equal(200)
      expect(answer.headers['set-cookie']).to.deep.equal([
        'sid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        expiring,
      ])
      expect(await isGood(jwt)).to.equal(false)
    }
  })

  it('200: the body may name another token of the subject, and the scope', async () => {
    const claims = freshClaims()
    const [cookie, other, sibling] = [
      await sign(claims),
      await sign({ ...claims, sid: 'another', jti: 'x' }),
      await sign({ ...claims, sid: 'a-third', jti: 'y' }),
    ]
    expect((await logout(withCookie(cookie), { token: other })).status).to.equal(200)
    expect(await isGood(other)).to.equal(false)
    expect(
      (await logout(withCookie(sibling), { token: sibling, scope: 'global' })).status,
    ).to.equal(200)
  })

  it('401, and the token stays good: the cookie does not count with another Origin, or none', async () => {
    const jwt = await token()
    const cookie = `__Host-token=${jwt}`
    for (const headers of [
      { cookie },
      { cookie, origin: stranger },
      { cookie, origin: 'null' },
      { cookie, origin: [own, page] },
      { cookie: `token=${jwt}`, origin: own },
    ]) {
      const answer = await logout(headers)
      expect([answer.status, answer.headers['set-cookie']]).to.deep.equal([401, undefined])
      expect(answer.headers['www-authenticate']).to.equal('Bearer realm="cierre"')
    }
    expect(await isGood(jwt)).to.equal(true)
  })

  it('401, and both tokens stay good: two cookies of that name', async () => {
    const [one, other] = [await token(), await token()]
    const answer = await logout({
      origin: own,
      cookie: `__Host-token=${one}; __Host-token=${other}`,
    })
    expect([answer.status, answer.headers['set-cookie']]).to.deep.equal([401, undefined])
    expect([await isGood(one), await isGood(other)]).to.deep.equal([true, true])
  })

  it('an Authorization header wins: its token is revoked and the body must name one; the cookie’s stays good', async () => {
    const [bearer, cookie] = [await token(), await token()]
    const headers = { ...withCookie(cookie), authorization: `Bearer ${bearer}` }
    const nameless = await logout(headers)
    expect(nameless.status, 'no token in the body').to.equal(401)
    expect(nameless.headers['x-error-reason']).to.equal('no_token_in_body')
    expect((await logout(headers, { token: bearer })).status).to.equal(200)
    expect(await isGood(bearer)).to.equal(false)
    const basic = await logout({ ...headers, authorization: 'Basic eDp5' })
    expect(basic.status, 'a header of another scheme').to.equal(401)
    const expired = await token({ exp: nowS(-5) })
    const refused = await logout(
      { ...headers, authorization: `Bearer ${expired}` },
      { token: expired },
    )
    expect([refused.status, refused.headers['set-cookie']]).to.deep.equal([403, undefined])
    expect(await isGood(cookie)).to.equal(true)
  })

  it('403, and 401 once it is revoked, expire the cookie; any other 401 leaves it', async () => {
    const expired = await logout(withCookie(await token({ exp: nowS(-5) })))
    expect([expired.status, expired.headers['set-cookie']]).to.deep.equal([403, [expiring]])
    const jwt = await token()
    expect((await logout(withCookie(jwt))).status).to.equal(200)
    const again = await logout(withCookie(jwt))
    expect([again.status, again.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
    expect(again.headers['set-cookie']).to.deep.equal([expiring])
    const claims = freshClaims()
    const live = await sign(claims)
    const other = await sign({ ...claims, sid: 'another', exp: nowS(-5) })
    const beside = await logout(withCookie(live), { token: other })
    expect(
      [beside.status, beside.headers['set-cookie']],
      'the other token has expired',
    ).to.deep.equal([403, undefined])
    expect(await isGood(live)).to.equal(true)
    for (const wrong of ['', 'x', `${jwt}x`, `"${jwt}"`]) {
      const answer = await logout(withCookie(wrong))
      expect([answer.status, answer.headers['set-cookie']], wrong.length.toString()).to.deep.equal([
        401,
        undefined,
      ])
    }
  })

  it('401 and 415: the body stays JSON, though it names nothing', async () => {
    const jwt = await token()
    const headers = withCookie(jwt)
    expect((await logout({ ...headers, 'content-type': 'text/plain' })).status).to.equal(415)
    expect((await logout(headers, 'text')).status).to.equal(401)
    expect((await logout(headers, { token: '' })).status).to.equal(401)
    expect((await logout(headers, { other: true })).status).to.equal(400)
    expect(await isGood(jwt)).to.equal(true)
  })

  it('/verify takes no token from a cookie', async () => {
    const headers = withCookie(await token())
    const answer = await service.send({ path: '/api/v1/auth/verify', headers })
    expect(answer.status).to.equal(401)
  })

  it('without AUTH_COOKIE a cookie is nothing, and the body must name a token', async () => {
    const plain = await startService({ PUBLIC_URL: own })
    try {
      const jwt = await token()
      const answer = await plain.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: { 'content-type': 'application/json', ...withCookie(jwt) },
        body: '{}',
      })
      expect([answer.status, answer.headers['set-cookie']]).to.deep.equal([401, undefined])
      expect((await plain.logout(jwt, {})).status).to.equal(401)
      expect((await plain.logout(jwt)).status).to.equal(200)
    } finally {
      await plain.stop()
    }
  })
})
