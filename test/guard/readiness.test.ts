import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createGuard, FeedError, type Guard, type GuardOptions } from '../../src/guard.js'
import { violationOf } from '../../src/guard/feed-error.js'
import { createReadiness } from '../../src/guard/readiness.js'
import { clientsVariable } from '../support/clients.js'
import { feedOf, statusOf } from '../support/guard.js'
import { startIssuer } from '../support/issuer.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'

describe('ready: resolves once the guard is fresh, or rejects with the reason', () => {
  let service: TestService
  const guards: Guard[] = []
  const servers: Server[] = []
  const open = (origin: string, options: Partial<GuardOptions> = {}) => {
    const guard = createGuard({
      issuers: [{ issuer: 'https://issuer.test', secret: hmacSecret }],
      feed: feedOf(origin),
      ...options,
    })
    guards.push(guard)
    return guard
  }
  const serve = async (listener: RequestListener, port = 0): Promise<string> => {
    const server = createServer(listener).listen(port, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  /** Why the guard is not ready. */
  const failure = async (guard: Guard, withinMs?: number) => {
    const error = await guard.ready(withinMs).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    )
    return { error, message: error?.message ?? 'ready' }
  }
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })
  after(() => service.stop())

  describe('rejects at once: the server at the address of the feed is no cierre', () => {
    const html = '<!doctype html><title>Welcome</title>'
    const advice = 'feed.url must be the origin of a cierre service'
    const strangers: [string, number, Record<string, string>, string, RegExp][] = [
      [
        '404',
        404,
        { 'Content-Type': 'text/plain' },
        'Not Found',
        new RegExp(`answered 404: ${advice}$`),
      ],
      ['405', 405, { Allow: 'POST' }, '', new RegExp(`answered 405: ${advice}$`)],
      ['204', 204, {}, '', new RegExp(`answered 204: ${advice}$`)],
      [
        'a page',
        200,
        { 'Content-Type': 'text/html; charset=utf-8' },
        html,
        new RegExp(
          `answered with text/html where the feed has application/octet-stream: ${advice}$`,
        ),
      ],
      [
        'JSON',
        200,
        { 'Content-Type': 'application/json' },
        '{"status":"ok"}',
        /answered with application\/json where the feed/,
      ],
      ['no type', 200, {}, 'hello', /answered with an unknown type where the feed/],
      [
        'bytes that are no snapshot',
        200,
        { 'Content-Type': 'application/octet-stream' },
        'GIF89a and more than ten bytes',
        /answered what cannot be read: this is no snapshot/,
      ],
      [
        'a redirect',
        302,
        { Location: '/login' },
        '',
        new RegExp(`answered 302, a redirect: ${advice}$`),
      ],
      [
        'a permanent redirect',
        308,
        { Location: 'https://cierre.test/' },
        '',
        /answered 308, a redirect/,
      ],
    ]
    for (const [what, status, headers, body, message] of strangers) {
      it(what, async () => {
        const requested: (string | undefined)[] = []
        const origin = await serve((request, response) => {
          requested.push(request.url)
          response.writeHead(status, headers).end(status === 204 ? undefined : body)
        })
        // A wait would take an hour.
        const { error } = await failure(open(origin), 3_600_000)
        expect(error).to.be.instanceOf(FeedError)
        expect(error?.message).to.match(message)
        expect((error as FeedError).status).to.equal(status)
        expect(new Set(requested), 'no redirect is followed').to.deep.equal(
          new Set([feedPath('snapshot')]),
        )
      })
    }

    it('also later, when another program gets the address', async () => {
      let isStranger = false
      const origin = await relay(() => isStranger)
      const guard = open(origin, { maxStalenessMs: 1_000 })
      await guard.ready()
      isStranger = true
      await until('the guard is stale', () => !guard.stats().fresh)
      expect((await failure(guard)).message).to.include(`answered 404: ${advice}`)
      isStranger = false
      await guard.ready()
      expect(await statusOf(guard, await token())).to.equal(200)
    })
  })

  /** The service, or another program, behind one address. */
  const relay = (isStranger: () => boolean) =>
    serve((request, response) => {
      if (isStranger()) {
        response.writeHead(404).end()
        return
      }
      void forward(request, response)
    })
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    const aborting = new AbortController()
    response.once('close', () => aborting.abort())
    try {
      const answer = await fetch(`${service.origin}${request.url}`, {
        headers: { authorization: request.headers.authorization ?? '' },
        signal: aborting.signal,
      })
      response.writeHead(answer.status, {
        'Content-Type': answer.headers.get('content-type') ?? '',
      })
      for await (const piece of answer.body ?? []) response.write(piece)
      response.end()
    } catch {
      response.destroy()
    }
  }

  describe('waits: a trouble that may pass is retried', () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504]) {
      it(`${status}`, async () => {
        let left = 2
        const origin = await serve((request, response) => {
          if (left > 0) {
            left -= 1
            response.writeHead(status, { 'Content-Type': 'text/html' }).end('<p>later</p>')
            return
          }
          void forward(request, response)
        })
        await open(origin).ready()
        expect(left).to.equal(0)
      })
    }

    it('no server listens yet', async () => {
      const port = await freePort()
      const guard = open(`http://127.0.0.1:${port}`)
      const isReady = guard.ready()
      const failed = new Promise((resolve) => guard.on('warning', resolve))
      await failed
      await serve((request, response) => void forward(request, response), port)
      await isReady
    })
  })

  it('every part of the feed has its own media type, in any case and with parameters', () => {
    const answer = (type: string) => ({
      status: 200,
      headers: new Headers({ 'content-type': type }),
    })
    expect(violationOf('x', 'events', answer('Text/Event-Stream; charset=utf-8'))).to.equal(
      undefined,
    )
    expect(violationOf('x', 'position', answer('application/json; charset=utf-8'))).to.equal(
      undefined,
    )
    expect(violationOf('x', 'position', answer('text/event-stream'))).to.include({
      isPermanent: true,
      status: 200,
    })
    expect(violationOf('x', 'snapshot', answer('a b/c\td'))?.message).to.include(
      'answered with an unknown type',
    )
  })

  describe('waits for the keys, too', () => {
    it('resolves once the key set is loaded; then every token is decided without a request', async () => {
      const issuer = await startIssuer()
      try {
        issuer.setDown(true)
        const guard = open(service.origin, {
          issuers: [{ issuer: issuer.origin, jwksUri: issuer.jwksUri }],
        })
        let isReady = false
        const ready = guard.ready(15_000).then(() => (isReady = true))
        await until(
          'the feed is followed, and the key set was asked for',
          () => guard.stats().fresh && issuer.jwksRequests() > 0,
        )
        expect(isReady).to.equal(false)
        issuer.setDown(false)
        const jwt = await issuer.accessToken('RS256')
        await ready
        const requests = issuer.jwksRequests()
        expect(await statusOf(guard, jwt)).to.equal(200)
        expect(issuer.jwksRequests(), 'no request for the first token').to.equal(requests)
      } finally {
        await issuer.stop()
      }
    })

    it('a time-out names each missing key set, and the reason', async () => {
      const missing = await serve((_request, response) => response.writeHead(404).end())
      const silent = `http://127.0.0.1:${await freePort()}`
      const guard = open(service.origin, {
        issuers: [
          { issuer: 'a', jwksUri: `${missing}/jwks?key=a-secret-of-the-query` },
          { issuer: 'b', jwksUri: `${silent}/jwks` },
          { issuer: 'c', secret: hmacSecret },
        ],
      })
      let isWaiting = true
      const patient = failure(guard, 3_600_000).finally(() => (isWaiting = false))
      const startedMs = performance.now()
      const { message } = await failure(guard, 700)
      expect(performance.now() - startedMs).to.be.at.least(600)
      expect(isWaiting, 'a longer wait goes on').to.equal(true)
      expect(message).to.equal(
        `the guard is not ready within 700 ms: the key set of ${missing} has not been loaded: answered 404; the key set of ${silent} has not been loaded: ECONNREFUSED`,
      )
      expect(await statusOf(guard, await token({ iss: 'c' })), 'the others work').to.equal(200)
      await guard.close()
      await patient
    })

    it('a missing feed is named first; closing ends the wait', async () => {
      const silent = `http://127.0.0.1:${await freePort()}`
      const issuers = [{ issuer: 'b', jwksUri: `${silent}/jwks` }]
      expect((await failure(open(silent, { issuers }), 300)).message).to.match(
        /^the guard is not ready within 300 ms: fetch failed: .*ECONNREFUSED/,
      )
      const guard = open(service.origin, { issuers })
      const failed = failure(guard, Infinity)
      await until('the feed is followed', () => guard.stats().fresh)
      await guard.close()
      expect((await failed).message).to.equal('the guard was closed')
    })
  })
})

describe('the patience of a caller of ready', () => {
  it('is exact when it is given; by default it is 10 s, grows while parts of a snapshot arrive, and ends', () => {
    const readiness = createReadiness(() => false)
    const [exact, byDefault] = [readiness.patience(500), readiness.patience()]
    expect([exact.inAllMs(), byDefault.inAllMs()]).to.deep.equal([500, 10_000])
    expect(exact.leftMs()).to.be.within(0, 500)
    const startedMs = performance.now()
    while (performance.now() - startedMs < 5);
    readiness.onPart()
    expect(exact.inAllMs()).to.equal(500)
    expect(byDefault.inAllMs()).to.be.within(10_005, 600_000)
    expect(readiness.patience().inAllMs(), 'parts before the call').to.equal(10_000)
    expect(readiness.patience(Infinity).leftMs()).to.equal(Infinity)
  })
})
