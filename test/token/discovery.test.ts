import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createGuard } from '../../src/guard.js'
import { createDiscovery, readMetadata } from '../../src/token/discovery.js'
import { reasonOf } from '../../src/token/fetch-json.js'
import { openIssuers } from '../../src/token/open-issuers.js'
import { parseServiceEntries } from '../../src/token/issuer-entries.js'
import { verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { feedOf, statusOf } from '../support/guard.js'
import { startIssuer } from '../support/issuer.js'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { rsa } from '../support/tokens.js'

const noLog = { debug() {}, info() {}, warn() {}, error() {} }
const open = new AbortController().signal

describe('discovery of a real OpenID provider', () => {
  it('200, then 401: service and guard verify with the key set that its metadata names', async () => {
    const issuer = await startIssuer()
    const service = await startService({
      JWT_DISCOVERY: 'true',
      JWT_ISSUER: issuer.origin,
      JWT_AUDIENCE: issuer.resource,
      CLIENTS: clientsVariable,
    })
    const guard = createGuard({
      issuers: [{ discovery: true, issuer: issuer.origin, audience: issuer.resource }],
      feed: feedOf(service.origin),
    })
    try {
      await until('the keys are loaded', () => service.isReady())
      await guard.ready()
      const jwt = await issuer.accessToken('ES256')
      expect([(await verify(service, jwt)).status, await statusOf(guard, jwt)]).to.deep.equal([
        200, 200,
      ])
      expect((await service.logout(jwt)).status).to.equal(200)
      await until('the guard refuses it', async () => (await statusOf(guard, jwt)) === 401)
      await issuer.rotate()
      expect((await service.logout(await issuer.accessToken('RS256'))).status).to.equal(200)
    } finally {
      await guard.close()
      await service.stop()
      await issuer.stop()
    }
  })
})

describe('the metadata of an issuer', () => {
  let answers: Record<string, (response: ServerResponse) => void> = {}
  let headers: IncomingHttpHeaders = {}
  const requested: string[] = []
  const server = createServer((request, response) => {
    requested.push(request.url ?? '')
    headers = request.headers
    const answer = answers[request.url ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else answer(response)
  })
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  beforeEach(() => {
    answers = {}
    requested.length = 0
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const json = (document: object) => (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  const openid = (path: string) => `${path}/.well-known/openid-configuration`
  const oauth = (path: string) => `/.well-known/oauth-authorization-server${path}`
  const located = (issuer: string) =>
    createDiscovery({ issuer, now: Date.now, log: noLog })
      .keySetUri(open)
      .catch((error: unknown) => reasonOf(error))

  it('is looked for at the path of OpenID Connect, then at that of RFC 8414', async () => {
    for (const [path, slash] of [
      ['', ''],
      ['', '/'],
      ['/realms/demo', ''],
      ['/tenant', '/'],
    ] as const) {
      const issuer = `${origin()}${path}${slash}`
      answers = { [openid(path)]: json({ issuer, jwks_uri: `${origin()}/a` }) }
      expect(await located(issuer), issuer).to.equal(`${origin()}/a`)
      answers = { [oauth(path)]: json({ issuer, jwks_uri: `${origin()}/b` }) }
      expect(await located(issuer), issuer).to.equal(`${origin()}/b`)
      expect(requested.splice(0)).to.deep.equal([openid(path), openid(path), oauth(path)])
    }
  })

  it('counts only if its issuer is exactly the configured one', async () => {
    const issuer = `${origin()}/one`
    for (const other of [`${issuer}/`, `${origin()}/two`, issuer.toUpperCase(), undefined, 5]) {
      answers = { [openid('/one')]: json({ issuer: other, jwks_uri: `${origin()}/a` }) }
      expect(await located(issuer)).to.equal(
        'metadata of the issuer: its issuer is not exactly the configured one',
      )
    }
  })

  it('is refused with a reason: another status, a redirect, no JSON, no usable key set', async () => {
    const issuer = origin()
    const reasons: [(response: ServerResponse) => void, string][] = [
      [(response) => response.writeHead(500).end(), 'answered 500'],
      [
        (response) => response.writeHead(302, { location: 'https://login.test/x?code=1' }).end(),
        'answered 302, a redirect to https://login.test/x, which is not followed',
      ],
      [(response) => response.end('<html>'), 'answered HTML or XML, no JSON'],
    ]
    for (const [answer, reason] of reasons) {
      answers = { [openid('')]: answer }
      expect(await located(issuer)).to.equal(
        `metadata of the issuer: ${issuer}${openid('')} ${reason}`,
      )
    }
    answers = { [openid('')]: (response) => response.end(' '.repeat(2 ** 20 + 1)) }
    expect(await located(issuer)).to.equal('answered more than 1048576 bytes')
    for (const jwks_uri of [
      ...[undefined, 7, 'keys', 'file:///keys'],
      ...['http://u:p@issuer.test/', 'http://u@issuer.test/', 'http://:p@issuer.test/'],
    ]) {
      answers = { [openid('')]: json({ issuer, jwks_uri }) }
      expect(await located(issuer)).to.equal('metadata of the issuer: has no usable jwks_uri')
    }
    for (const document of ['null', '[]', '"text"', '5']) {
      answers = { [openid('')]: (response) => response.end(document) }
      expect(await located(issuer)).to.include('its issuer is not exactly the configured one')
    }
  })

  it('is asked for as JSON, past every cache', async () => {
    const issuer = origin()
    answers = { [openid('')]: json({ issuer, jwks_uri: `${issuer}/keys` }) }
    expect(await located(issuer)).to.equal(`${issuer}/keys`)
    expect(headers).to.include({ accept: 'application/json', 'cache-control': 'no-cache' })
  })

  it('is not looked for at the other path of a host that does not answer', async () => {
    const [issuer, broken] = [origin(), (response: ServerResponse) => response.destroy()]
    answers = { [openid('')]: broken }
    expect(await located(issuer)).to.match(/^(UND_ERR_SOCKET|ECONNRESET)$/)
    expect(requested.splice(0)).to.deep.equal([openid('')])
    answers = { [oauth('')]: broken }
    expect(await located(issuer)).to.match(/^(UND_ERR_SOCKET|ECONNRESET)$/)
    expect(requested).to.deep.equal([openid(''), oauth('')])
  })

  it('is given up when its reader closes', async () => {
    const closing = new AbortController()
    answers = { [openid('')]: () => closing.abort() }
    const reason = await createDiscovery({ issuer: origin(), now: Date.now, log: noLog })
      .keySetUri(closing.signal)
      .catch((error: unknown) => reasonOf(error))
    expect(reason).to.equal('AbortError')
    expect(requested).to.deep.equal([openid('')])
  })

  it('of an issuer over TLS names endpoints over TLS alone', () => {
    const issuer = 'https://issuer.test'
    const [clear, safe] = ['http://issuer.test/keys', 'https://keys.test/keys']
    expect(() => readMetadata({ issuer, jwks_uri: clear }, issuer)).to.throw('no usable jwks_uri')
    expect(
      readMetadata({ issuer, jwks_uri: safe, revocation_endpoint: clear }, issuer),
    ).to.deep.equal({ jwksUri: safe })
    expect(
      readMetadata({ issuer, jwks_uri: safe, revocation_endpoint: `${issuer}/revoke` }, issuer),
    ).to.deep.equal({ jwksUri: safe, revocationEndpoint: `${issuer}/revoke` })
  })

  it('without TLS names a revocation endpoint in a private network alone', () => {
    const endpointOf = (issuer: string) =>
      readMetadata(
        { issuer, jwks_uri: `${issuer}/keys`, revocation_endpoint: `${issuer}/revoke` },
        issuer,
      ).revocationEndpoint
    expect(endpointOf('http://issuer.example.com')).to.equal(undefined)
    expect(endpointOf('http://10.0.0.1')).to.equal('http://10.0.0.1/revoke')
  })

  it('is fetched again after 300 s; if that fails, what was known counts, and a line says so', async () => {
    let nowMs = 1_000_000
    const lines: object[] = []
    const issuer = origin()
    const discovery = createDiscovery({
      issuer,
      now: () => nowMs,
      log: { warn: (details, message) => void lines.push({ ...details, message }) },
    })
    expect(discovery.metadata()).to.equal(undefined)
    const publish = (name: string) =>
      void (answers = { [openid('')]: json({ issuer, jwks_uri: `${origin()}/${name}` }) })
    const locatedAfter = async (ms: number) => {
      nowMs += ms
      return (await discovery.keySetUri(open)).slice(origin().length + 1)
    }
    publish('one')
    expect(await locatedAfter(0)).to.equal('one')
    publish('two')
    expect(await locatedAfter(299_999)).to.equal('one')
    expect(await locatedAfter(1)).to.equal('two')
    publish('three')
    expect(await locatedAfter(-1), 'the clock was set back').to.equal('three')
    answers = {}
    expect(await locatedAfter(300_000)).to.equal('three')
    expect(discovery.metadata()).to.deep.equal({ jwksUri: `${origin()}/three` })
    expect(lines).to.deep.equal([
      {
        issuer,
        reason: `metadata of the issuer: ${issuer}${openid('')} answered 404`,
        message: 'issuer metadata not loaded',
      },
    ])
  })

  it('is there for each issuer, and kept with its keys when the issuers are read again', async () => {
    const issuer = origin()
    const keys = { keys: [rsa.publicKey.export({ format: 'jwk' })] }
    answers = {
      [openid('')]: json({
        issuer,
        jwks_uri: `${origin()}/keys`,
        revocation_endpoint: `${origin()}/revoke`,
      }),
      '/keys': json(keys),
    }
    const configs = parseServiceEntries(
      [{ issuer, discovery: true }],
      { sessionKeys: [], sessionMaxLifetimeS: 1, cutoffClaim: 'iat' },
      (fault) => expect.fail(fault),
    )
    const parts = { requireExp: false, log: noLog, now: Date.now }
    const opened = openIssuers(configs, parts)
    const [one] = opened.issuers
    try {
      await until('the keys are loaded', () => one?.keys.isLoaded() === true)
      expect(one?.keys.metadata?.()?.revocationEndpoint).to.equal(`${origin()}/revoke`)
      const [again] = openIssuers(configs, parts, opened).issuers
      expect(again?.keys).to.equal(one?.keys)
    } finally {
      one?.keys.close()
    }
  })
})
