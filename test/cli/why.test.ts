import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { backchannel, createRevocation, erase } from '../support/asking.js'
import { clientsVariable, secretOf, type ClientName } from '../support/clients.js'
import { runMain } from '../support/instance.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, logoutToken, nowS, token } from '../support/tokens.js'

const iss = 'https://issuer.test'

describe('cierre why (as built into dist/)', () => {
  let service: TestService
  /** Forwards to the service, and keeps what it was sent. */
  let watched: { origin: string; sent: string[]; close(): void }
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable, JWT_BACKCHANNEL_AUDIENCE: 'app' })
    watched = await startWatched()
  })
  after(async () => {
    watched.close()
    await service.stop()
  })

  async function startWatched() {
    const sent: string[] = []
    const server = createServer((request, response) => {
      sent.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`)
      const { authorization = '' } = request.headers
      void service
        .send({ path: request.url ?? '', headers: { authorization } })
        .then(({ status, text }) => response.writeHead(status).end(text))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { origin: `http://127.0.0.1:${port}`, sent, close: () => void server.close() }
  }

  async function why(jwt: string, client: ClientName = 'all', at = service) {
    const { child, output } = runMain({
      args: ['why'],
      input: jwt,
      env: {
        CIERRE_URL: at === service ? watched.origin : at.origin,
        CIERRE_CLIENT_ID: client,
        CIERRE_CLIENT_SECRET: secretOf(client),
        TZ: 'UTC',
      },
    })
    const [code] = (await once(child, 'close')) as [number]
    return { code, ...output }
  }
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
  const revoked = (key: string, who: string, reason: string) =>
    new RegExp(
      `^revoked: ${key}\n  when   ${time}\n  who    ${who}\n  why    ${reason}\n(  which  all issued until ${time}\n)?  until  ${time}\n$`,
    )

  it('1: a logout: its session, when, who, why, until when; the token is never sent', async () => {
    const jwt = await token({ sub: 'alice' })
    expect((await service.logout(jwt)).status).to.equal(200)
    const { code, out, err } = await why(jwt)
    expect([code, err]).to.deep.equal([1, ''])
    expect(out).to.match(
      revoked(
        String.raw`s:\S{22} \(its session\)`,
        String.raw`alice of https://issuer\.test, from 127\.0\.0\.0/24`,
        'logout',
      ),
    )
    expect(watched.sent).not.to.be.empty
    for (const part of jwt.split('.').slice(1)) expect(watched.sent.join('\n')).not.to.include(part)
  })

  it('1: a client, the provider, a token without a session, a token id', async () => {
    const jwt = await token({ sub: 'bob' })
    await createRevocation(service, { iss, sub: 'bob', reason: 'password_change' })
    const byClient = String.raw`the machine client all, from \S+`
    expect((await why(jwt)).out).to.match(
      revoked(String.raw`u:\S{22} \(its subject\)`, byClient, 'password_change'),
    )
    await backchannel(service, await logoutToken({ sub: 'carol', sid: 'c' }))
    expect((await why(await token({ sub: 'carol', sid: undefined, iat: nowS(-5) }))).out).to.match(
      revoked(
        String.raw`n:\S{22} \(its subject, for tokens without a session\)`,
        String.raw`the OpenID provider, for carol of https://issuer\.test, from \S+`,
        'backchannel_logout',
      ),
    )
    const own = await token({ sub: 'dave', sid: undefined })
    await service.logout(own)
    expect((await why(own)).out).to.match(/^revoked: t:\S{22} \(this token\)\n/)
    const exp = nowS(600)
    await createRevocation(service, { iss, jti: 'why-jti', exp, reason: 'replay' })
    expect((await why(await token({ jti: 'why-jti', exp }))).out).to.match(
      revoked(String.raw`j:\S{22} \(its token id\)`, byClient, 'replay'),
    )
  })

  it('1: each key that refuses it, and the event of its time among several', async () => {
    const jwt = await token({ sub: 'erin' })
    await createRevocation(service, { iss, sub: 'erin', reason: 'admin' })
    await createRevocation(service, { iss, sub: 'erin', reason: 'compromised' })
    await createRevocation(service, { token: jwt, reason: 'replay' })
    const { out } = await why(jwt)
    expect(out.match(/^revoked: [su]:/gm)).to.deep.equal(['revoked: s:', 'revoked: u:'])
    expect(out).to.match(/ {2}why {4}admin\n {2}again {2}1 times/)
  })

  it('0: no revocation refuses it; a login after the cutoff is not refused', async () => {
    const { code, out } = await why(await token({ sub: 'frank' }))
    expect(code).to.equal(0)
    expect(out).to.match(
      /^no revocation refuses this token\n( {2}[tsuj]:\S{22} \([^)]+\)\n){4}whether/,
    )
    await createRevocation(service, { iss, sub: 'frank', reason: 'admin', cutoff: nowS(-100) })
    const later = await why(await token({ sub: 'frank' }))
    expect([later.code, later.out.includes(': only what was issued until')]).to.deep.equal([
      0,
      true,
    ])
    expect((await why(await token({ sub: 'frank', iat: nowS(-200) }))).code).to.equal(1)
    expect((await why(await token({ sub: 'frank', iat: undefined }))).code).to.equal(1)
  })

  it('0 or 1 by CUTOFF_CLAIM of the service, which compares auth_time with the cutoff', async () => {
    const other = await startService({ CLIENTS: clientsVariable, CUTOFF_CLAIM: 'auth_time' })
    try {
      await createRevocation(other, { iss, sub: 'gina', reason: 'admin', cutoff: nowS(-100) })
      const codeOf = async (auth_time: number | undefined) =>
        (await why(await token({ sub: 'gina', auth_time }), 'all', other)).code
      expect([
        await codeOf(nowS(-200)),
        await codeOf(nowS()),
        await codeOf(undefined),
      ]).to.deep.equal([1, 0, 0])
    } finally {
      await other.stop()
    }
  })

  it('1: an expired token, and a text that is no token, as for cierre check', async () => {
    const expired = await why(await token({ exp: nowS(-10) }))
    expect(expired.code).to.equal(1)
    expect(expired.out).to.match(
      new RegExp(`^no revocation refuses this token, but it has expired: ${time}\n`),
    )
    for (const text of ['no-token', 'a.b.c', `${await token()}=`]) {
      const malformed = await why(text)
      expect([malformed.code, malformed.out.slice(0, 21)], text).to.deep.equal([
        1,
        'not active: malformed',
      ])
    }
  })

  it('1 without the event: it was erased, or the client may not audit; 2: the client may not introspect', async () => {
    const jwt = await token({ sub: 'hugo' })
    await service.logout(jwt)
    const narrow = await why(jwt, 'deaf')
    expect(narrow.code).to.equal(1)
    expect(narrow.out).to.match(
      / {2}who {4}unknown: the service answered 403: .*permission audit\n/,
    )
    await erase(service, { iss, sub: 'hugo' })
    const erased = await why(jwt)
    expect([erased.code, erased.out.includes('trimmed or erased')]).to.deep.equal([1, true])
    const refused = await why(jwt, 'powerless')
    expect([refused.code, refused.out, refused.err]).to.deep.equal([
      2,
      '',
      'the service answered 403: the client needs the permission introspect\n',
    ])
  })

  it('1: of an issuer whose session and subject have other claims', async () => {
    const named = {
      issuer: iss,
      secret: hmacSecret,
      sessionClaim: 'session_id',
      subjectClaim: 'oid',
    }
    const mapped = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([
        { ...named, cutoffClaim: 'auth_time' },
        { issuer: 'https://other.test', secret: hmacSecret },
      ]),
    })
    try {
      const jwt = await token({ session_id: 'one', sub: 'pairwise', oid: 'carol' })
      expect((await mapped.logout(jwt)).status).to.equal(200)
      expect((await why(jwt, 'all', mapped)).out).to.match(/^revoked: s:\S{22} \(its session\)\n/)
      const claims = { session_id: 'two', oid: 'carol', iat: nowS(30) }
      await createRevocation(mapped, { iss, sub: 'carol', reason: 'admin' })
      const old = await why(await token({ ...claims, auth_time: nowS(-60) }), 'all', mapped)
      expect(old.out).to.match(/^revoked: u:\S{22} \(its subject\)\n/)
      const later = await why(await token({ ...claims, auth_time: nowS(30) }), 'all', mapped)
      expect([later.code, later.out]).to.deep.equal([0, later.out])
      expect(later.out).to.match(/^no revocation refuses this token/)
    } finally {
      await mapped.stop()
    }
  })
})
