import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import {
  askIntrospection,
  createGuard,
  GuardError,
  type Guard,
  type GuardOptions,
} from '../../src/guard.js'
import { feedVersion, positionOf } from '../../src/feed/event.js'
import type { Page } from '../../src/feed/feed-source.js'
import { createFeedClient } from '../../src/guard/http-feed.js'
import { createRevocation } from '../support/asking.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { feedOf, startGuard, statusOf } from '../support/guard.js'
import { startIssuer } from '../support/issuer.js'
import { freePort, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import {
  algorithms,
  hmacSecret,
  logoutToken,
  nowS,
  pemOf,
  sign,
  freshClaims,
  token,
} from '../support/tokens.js'

describe('the guard', () => {
  let service: TestService
  const guards: Guard[] = []
  const open = (options: Partial<GuardOptions> = {}, origin = service.origin) => {
    const guard = startGuard(origin, options)
    guards.push(guard)
    return guard
  }
  const ready = async (options: Partial<GuardOptions> = {}) => {
    const guard = open(options)
    await guard.ready()
    return guard
  }
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
  })
  after(() => service.stop())

  const refusal = async (guard: Guard, authorization: string | string[] | undefined) => {
    const error = await guard.check(authorization).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(GuardError)
    return error as GuardError
  }

  it('200 with frozen claims; 401 as soon as the token is logged out, without a request', async () => {
    const guard = await ready()
    const jwt = await token({ deep: { roles: ['a'] } })
    const claims = await guard.check(`Bearer ${jwt}`)
    expect(claims['deep']).to.deep.equal({ roles: ['a'] })
    expect(Object.isFrozen(claims) && Object.isFrozen(claims['deep'])).to.equal(true)
    expect(await guard.check(`bearer   ${jwt}`)).to.deep.equal(claims)
    expect((await service.logout(jwt)).status).to.equal(200)
    await until('the guard refuses', async () => (await statusOf(guard, jwt)) === 401)
    const error = await refusal(guard, `Bearer ${jwt}`)
    expect(error.wwwAuthenticate).to.equal(
      'Bearer realm="cierre", error="invalid_token", error_description="The access token is malformed, invalid or revoked"',
    )
    expect([error.code, error.reason, error.body]).to.deep.equal([
      'invalid_token',
      'revoked',
      { error: 'invalid_token' },
    ])
  })

  it('401 for every kind of revocation, from events and from a snapshot alike', async () => {
    const early = await ready()
    const iss = 'https://issuer.test'
    const cases: [string, () => Promise<unknown>][] = []
    for (const claims of [
      { sid: undefined },
      {},
      { sub: 'alice' },
      { jti: 'a-token-id-of-its-own' },
    ] as Record<string, unknown>[]) {
      const jwt = await token(claims)
      expect(await statusOf(early, jwt)).to.equal(200)
      cases.push([
        jwt,
        () =>
          claims['sub'] !== undefined
            ? createRevocation(service, { iss, sub: 'alice', reason: 'admin' })
            : claims['jti'] !== undefined
              ? createRevocation(service, {
                  iss,
                  jti: claims['jti'],
                  exp: nowS(600),
                  reason: 'admin',
                })
              : service.logout(jwt),
      ])
    }
    for (const [, revoke] of cases) expect(await revoke()).to.have.property('status', 200)
    const late = await ready()
    for (const guard of [early, late])
      for (const [jwt] of cases)
        await until('it is refused', async () => (await statusOf(guard, jwt)) === 401)
    const next = await token({ sub: 'alice', iat: nowS(2) })
    expect(await statusOf(late, next), 'a later login').to.equal(200)
    expect(
      await statusOf(late, await token({ sub: 'alice', iat: undefined })),
      'a token without iat',
    ).to.equal(401)
  })

  it('401 where the service answers 401', async () => {
    const guard = await ready()
    const jwt = await token()
    const expired = await token({ exp: nowS(-1) })
    const none = await refusal(guard, undefined)
    expect([none.status, none.code, none.wwwAuthenticate]).to.deep.equal([
      401,
      'token_missing',
      'Bearer realm="cierre"',
    ])
    for (const [authorization, status] of [
      ['Basic YTpi', 401],
      ['Bearer', 401],
      ['Bearer x', 401],
      [`Bearer ${jwt}=`, 401],
      [`Bearer ${jwt} `, 401],
      [[`Bearer ${jwt}`, `Bearer ${jwt}`], 401],
      [`Bearer ${expired}`, 401],
      [`Bearer ${await token({ iss: 'https://other.test' })}`, 401],
      [`Bearer ${await logoutToken()}`, 401],
      [`Bearer ${await token({ iat: nowS(3600) })}`, 401],
      [`Bearer ${await token({ nbf: nowS(3600) })}`, 401],
    ] as [string | string[], number][]) {
      expect(
        (await refusal(guard, authorization)).status,
        JSON.stringify(authorization).slice(0, 20),
      ).to.equal(status)
    }
    const lastCharacter = jwt.slice(-1) === 'A' ? 'B' : 'A'
    expect(await statusOf(guard, jwt)).to.equal(200)
    expect(
      await statusOf(guard, jwt.slice(0, 40) + (jwt[40] === 'A' ? 'B' : 'A') + jwt.slice(41)),
      'the tail of a known token, another body',
    ).to.equal(401)
    expect(await statusOf(guard, jwt.slice(0, -1) + lastCharacter)).to.equal(401)
  })

  it('200 with every algorithm, and with several issuers', async () => {
    const chosen = algorithms.filter((algorithm) => !algorithm.startsWith('HS'))
    const guard = await ready({
      issuers: [
        {
          issuer: 'https://issuer.test',
          secret: hmacSecret,
          algorithms: ['HS256', 'HS384', 'HS512'],
        },
        ...chosen.map((algorithm) => ({
          issuer: `https://${algorithm}.test`,
          publicKey: pemOf(algorithm),
          algorithms: [algorithm],
        })),
      ],
    })
    for (const algorithm of algorithms) {
      const iss = algorithm.startsWith('HS') ? 'https://issuer.test' : `https://${algorithm}.test`
      expect(
        await statusOf(guard, await sign(freshClaims({ iss }), algorithm)),
        algorithm,
      ).to.equal(200)
    }
  })

  it('401: a cached token is forgotten when its key leaves the key set', async () => {
    let aheadMs = 0
    const issuer = await startIssuer()
    const guard = createGuard({
      issuers: [{ issuer: issuer.origin, jwksUri: issuer.jwksUri }],
      feed: feedOf(service.origin),
      maxStalenessMs: 3_600_000,
      clock: {
        now: () => Date.now() + aheadMs,
        monotonicMs: () => performance.now() + aheadMs,
      },
    })
    guards.push(guard)
    try {
      await guard.ready()
      const jwt = await issuer.accessToken('RS256')
      await until('the keys are there', async () => (await statusOf(guard, jwt)) === 200)
      await issuer.rotate()
      aheadMs = 200_000
      expect(await statusOf(guard, jwt), 'remembered').to.equal(200)
      aheadMs = 300_000
      await until('the key set is fetched again', () => issuer.jwksRequests() > 1)
      await until('the token is refused', async () => (await statusOf(guard, jwt)) !== 200)
    } finally {
      await issuer.stop()
    }
  })

  it('401 when expired, cached or not', async () => {
    let aheadMs = 0
    const guard = await ready({
      clock: { now: () => Date.now() + aheadMs, monotonicMs: () => performance.now() },
      maxStalenessMs: 3_600_000,
    })
    const jwt = await token()
    expect(await statusOf(guard, jwt)).to.equal(200)
    aheadMs = 601_000
    const refused = await refusal(guard, `Bearer ${jwt}`)
    expect([refused.status, refused.code, refused.wwwAuthenticate]).to.deep.equal([
      401,
      'token_expired',
      'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
    ])
  })

  it('503 before the first snapshot, and when stale by either clock; an invalid token is still 401', async () => {
    const aside = open({}, `http://127.0.0.1:${await freePort()}`)
    const jwt = await token()
    expect(await statusOf(aside, jwt)).to.equal(503)
    expect((await refusal(aside, `Bearer ${jwt}`)).headers).to.deep.equal({ 'Retry-After': '1' })
    expect(await statusOf(aside, `${jwt}x`)).to.equal(401)
    const why = await aside.ready(300).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(why).to.match(/not ready within 300 ms: fetch failed: .*ECONNREFUSED/)

    const offsets = { now: 0, monotonicMs: 0 }
    const clock = {
      now: () => Date.now() + offsets.now,
      monotonicMs: () => performance.now() + offsets.monotonicMs,
    }
    const cut = await startService({ CLIENTS: clientsVariable })
    const guard = open({ clock }, cut.origin)
    await guard.ready()
    const reported: string[] = []
    guard.on('stale', () => reported.push('stale'))
    const revoked = await token()
    expect(await statusOf(guard, revoked)).to.equal(200)
    await cut.logout(revoked)
    await until('it is refused', async () => (await statusOf(guard, revoked)) === 401)
    expect(await statusOf(guard, jwt)).to.equal(200)
    await cut.stop()
    for (const clockName of ['now', 'monotonicMs'] as const) {
      offsets[clockName] = 6_000
      expect(await statusOf(guard, jwt), clockName).to.equal(503)
      expect(await statusOf(guard, revoked), 'a known revocation stays').to.equal(401)
      offsets[clockName] = 0
    }
    offsets.now = -3_600_000
    offsets.monotonicMs = 6_000
    expect(await statusOf(guard, jwt), 'a clock that was set back').to.equal(503)
    await until('it says that it is stale', () => reported.length > 0)
    expect(reported).to.deep.equal(['stale'])
  })

  it('onUnknown decides where the guard cannot, also by askIntrospection', async () => {
    const jwt = await token()
    const other = await token()
    const port = await freePort()
    const asks = askIntrospection({
      url: service.origin,
      clientId: 'all',
      clientSecret: secretOf('all'),
    })
    const guard = open({ onUnknown: asks }, `http://127.0.0.1:${port}`)
    expect(await statusOf(guard, jwt)).to.equal(200)
    await service.logout(jwt)
    expect(await statusOf(guard, jwt)).to.equal(401)
    expect(await statusOf(guard, `${other}x`)).to.equal(401)
    for (const useless of [
      askIntrospection({ url: service.origin, clientId: 'all', clientSecret: 'wrong' }),
      askIntrospection({
        url: `http://127.0.0.1:${port}`,
        clientId: 'all',
        clientSecret: 'x',
        timeoutMs: 200,
      }),
    ])
      expect(
        await statusOf(open({ onUnknown: useless }, `http://127.0.0.1:${port}`), other),
      ).to.equal(503)
    const questions: object[] = []
    const asked = open(
      { onUnknown: (question) => (questions.push(question), 'active') },
      `http://127.0.0.1:${port}`,
    )
    expect(await statusOf(asked, other)).to.equal(200)
    expect(questions).to.have.length(1).and.to.have.nested.property('0.why', 'no_snapshot')
  })

  it('503 when askIntrospection is answered with a redirect, which is not followed', async () => {
    const requested: (string | undefined)[] = []
    const server = createServer((request, response) => {
      requested.push(request.url)
      response.writeHead(307, { location: `${service.origin}/oauth/introspect` }).end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    const onUnknown = askIntrospection({ url, clientId: 'all', clientSecret: secretOf('all') })
    const guard = open({ onUnknown }, `http://127.0.0.1:${await freePort()}`)
    expect(await statusOf(guard, await token())).to.equal(503)
    expect(requested).to.deep.equal(['/oauth/introspect'])
    server.closeAllConnections()
    server.close()
  })

  it('503 when onUnknown fails; 401 when the revocation arrives before its answer', async () => {
    const failing = open(
      { onUnknown: () => Promise.reject(new Error('the cache is down')) },
      `http://127.0.0.1:${await freePort()}`,
    )
    const jwt = await token()
    const error = await failing.check(`Bearer ${jwt}`).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(GuardError)
    expect([
      (error as GuardError).status,
      ((error as GuardError).cause as Error).message,
    ]).to.deep.equal([503, 'the cache is down'])

    let answer: (opinion: 'active') => void = () => undefined
    const asking = open({ onUnknown: () => new Promise((resolve) => (answer = resolve)) })
    const checked = statusOf(asking, jwt)
    expect((await service.logout(jwt)).status).to.equal(200)
    await until('it has been learnt', () => asking.stats().revocations > 0 && asking.stats().fresh)
    answer('active')
    expect(await checked).to.equal(401)
  })

  it('401 or 503, never 200, while a clock is a day ahead and after it is set right', async () => {
    let aheadMs = 0
    const guard = open({
      clock: { now: () => Date.now() + aheadMs, monotonicMs: () => performance.now() },
    })
    await guard.ready()
    const jwt = await token({ sid: undefined })
    expect((await service.logout(jwt)).status).to.equal(200)
    await until('it is refused', async () => (await statusOf(guard, jwt)) === 401)
    aheadMs = 86_400_000
    const held = guard.stats().revocations
    expect(await statusOf(guard, jwt)).to.be.oneOf([401, 503])
    await until('it is fresh by the wrong clock', () => guard.stats().fresh)
    expect(guard.stats().revocations, 'what only the wall clock calls expired stays').to.equal(held)
    aheadMs = 0
    expect(await statusOf(guard, jwt)).to.equal(401)
    await until('another snapshot has been taken', () => guard.stats().snapshots === 2)
  })

  it('a listener that throws does not stop the guard', async () => {
    const thrown: string[] = []
    const others = process.listeners('uncaughtException')
    process
      .removeAllListeners('uncaughtException')
      .on('uncaughtException', (error) => void thrown.push(error.message))
    const own = await startService({ CLIENTS: clientsVariable })
    try {
      const guard = open({ maxStalenessMs: 500 }, own.origin)
      for (const event of ['fresh', 'stale', 'warning'] as const) {
        guard.on(event, () => {
          throw new Error(event)
        })
      }
      await guard.ready()
      const { port } = new URL(own.origin)
      await own.stop()
      await until('it is stale', () => thrown.includes('stale') && thrown.includes('warning'))
      const again = await startService({ CLIENTS: clientsVariable }, { port: Number(port) })
      await until(
        'it is fresh again',
        () => guard.stats().fresh && thrown.filter((event) => event === 'fresh').length === 2,
      )
      await guard.close()
      await again.stop()
    } finally {
      process.removeAllListeners('uncaughtException')
      others.forEach((listener) => process.on('uncaughtException', listener))
    }
  })

  it('skips informational events only: an unknown, endless or misplaced event is an error', async () => {
    const position = `1795231756000-0.t:${'A'.repeat(22)}`
    const key = `t:${'A'.repeat(22)}`
    const revocation = `event: revocation\ndata: {"key":"${key}","untilMs":null}\n\n`
    const answers = [
      `event: info-notice\ndata: not JSON\n\nid: ${position}\n${revocation}id: 1795231756000-1.info-notice\nevent: info-notice\ndata: {}\n\nevent: gap\ndata: {}\n\nevent: notice\ndata: {}\n\n`,
      `id: ${position}\n${revocation}event: notice\ndata: {}\n\n`,
      `data: {}\n\n`,
      `id: 1795231756000-0.genesis\n${revocation}`,
      `data: ${'x'.repeat(100_000)}`,
    ]
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(answers.shift()),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const feed = createFeedClient({ url, client: { clientId: 'x', clientSecret: 'x' } })
      const seen: string[] = []
      const { signal } = new AbortController()
      const onPage = ({ events }: Page) => {
        // A page begins with the last event of the page before.
        seen.push(...events.map(positionOf).filter((each) => each !== seen.at(-1)))
        return true
      }
      const events = () =>
        feed.events(position, { onPage, signal }).then(
          () => 'gap',
          (error: Error) => error.message,
        )
      expect(await events()).to.equal('gap')
      expect(seen).to.deep.equal([position, '1795231756000-1.info-notice'])
      const upgrade = (name: string) =>
        `an event of the feed has something of a kind that version ${feedVersion} of the feed does not know ("${name}"): upgrade this reader`
      expect(await events()).to.equal(upgrade('notice'))
      expect(await events()).to.equal(upgrade(''))
      expect(await events()).to.equal('an event of the feed is not what its position says')
      expect(await events()).to.equal('an event of the feed never ends')
    } finally {
      server.close()
    }
  })

  it('503 after close, and never ready again', async () => {
    const guard = open({ onUnknown: () => 'active' })
    await guard.ready()
    const jwt = await token()
    expect([
      await statusOf(guard, jwt),
      await guard.check(null).catch(({ status }: GuardError) => status),
    ]).to.deep.equal([200, 401])
    await guard.close()
    expect(await statusOf(guard, jwt)).to.equal(503)
    expect(
      await guard.ready(Infinity).then(
        () => 'ready',
        (error: Error) => error.message,
      ),
    ).to.equal('the guard was closed')
  })

  it('ready fails at once when the client is refused', async () => {
    const wrong = open({ feed: { url: service.origin, clientId: 'all', clientSecret: 'wrong' } })
    // A wait would take an hour.
    const error = await wrong.ready(3_600_000).then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error?.message).to.include(
      'answered 401: clientId and clientSecret must be of a client that may read the feed',
    )
    const deaf = open({
      feed: { url: service.origin, clientId: 'deaf', clientSecret: secretOf('deaf') },
    })
    expect(
      await deaf.ready().then(
        () => '',
        (reason: Error) => reason.message,
      ),
    ).to.include('answered 403')
  })

  it('TypeError for invalid options', () => {
    const feed = feedOf('https://cierre.test')
    const wrong = (options: Partial<GuardOptions>) => () =>
      createGuard({ issuers: [{ issuer: 'x', secret: hmacSecret }], feed, ...options })
    expect(wrong({ issuers: [{ issuer: '', secret: 'short' }] })).to.throw(
      TypeError,
      /issuers\[0\]/,
    )
    expect(wrong({ issuers: [] })).to.throw(TypeError)
    for (const url of [
      'http://cierre.test',
      'https://cierre.test/path',
      'https://user@cierre.test',
      'cierre',
      'ftp://127.0.0.1',
    ]) {
      expect(wrong({ feed: { ...feed, url } }), url).to.throw(TypeError, 'feed.url')
    }
    expect(wrong({ maxStalenessMs: 0 })).to.throw(TypeError, 'maxStalenessMs')
  })

  it('watch: one call when the token is revoked, by an event or a snapshot, or expires', async () => {
    let aheadMs = 0
    const redis: TestRedis = await startRedis()
    let source = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
    try {
      const guard = open(
        {
          clock: { now: () => Date.now() + aheadMs, monotonicMs: () => performance.now() },
          maxStalenessMs: 3_600_000,
        },
        source.origin,
      )
      await guard.ready()
      const reported: string[] = []
      const watch = async (name: string, jwt: string) =>
        guard.watch(await guard.check(`Bearer ${jwt}`), (why) => reported.push(`${name} ${why}`))
      const [first, second, unwatched, later] = [
        await token(),
        await token({ exp: nowS(1) + 1 }),
        await token(),
        await token(),
      ]
      await watch('first', first)
      await watch('first again', first)
      await watch('second', second)
      const stop = await watch('unwatched', unwatched)
      await watch('later', later)
      expect(guard.stats().watched).to.equal(5)
      stop()
      for (const jwt of [first, unwatched]) expect((await source.logout(jwt)).status).to.equal(200)
      await until('the first is reported', () => reported.length >= 2)
      await until('the second expires', () => reported.includes('second expired'))
      expect(reported.sort()).to.deep.equal([
        'first again revoked',
        'first revoked',
        'second expired',
      ])

      // The token is revoked while the guard has no service, and the feed is trimmed past the guard's
      // position: only a snapshot has the revocation.
      const { port } = new URL(source.origin)
      const other = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
      await source.stop()
      expect((await other.logout(later)).status).to.equal(200)
      expect((await other.logout(await token())).status).to.equal(200)
      await redis.client.xTrim('cierre:{c}:feed', 'MAXLEN', 1)
      await other.stop()
      source = await startService(
        { CLIENTS: clientsVariable, REDIS_URL: redis.url },
        { port: Number(port) },
      )
      await until('the later is reported', () => reported.includes('later revoked'))
      expect(guard.stats()).to.include({ gaps: 1, snapshots: 2, watched: 0 })
      expect(() => guard.watch({ sub: 'made up' }, () => undefined)).to.throw(TypeError)
      const known = await guard.check(`Bearer ${await token()}`)
      aheadMs = 1
      expect(guard.watch(known, () => undefined)).to.be.a('function')
    } finally {
      await source.stop()
      await redis.stop()
    }
  })

  it('401 from a guard of another instance than the one that logged the token out', async () => {
    const redis = await startRedis()
    const [one, other] = [
      await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url }),
      await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url }),
    ]
    try {
      const guard = open({}, other.origin)
      await guard.ready()
      for (let round = 0; round < 20; round += 1) {
        const jwt = await token({ jti: randomUUID() })
        expect(await statusOf(guard, jwt)).to.equal(200)
        expect((await one.logout(jwt)).status).to.equal(200)
        await until('it is refused', async () => (await statusOf(guard, jwt)) === 401)
      }
    } finally {
      await one.stop()
      await other.stop()
      await redis.stop()
    }
  })
})
