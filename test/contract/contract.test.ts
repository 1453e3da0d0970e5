import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { backchannel, postForm, verify } from '../support/asking.js'
import { asClient, basic, clientsVariable, type ClientName } from '../support/clients.js'
import {
  contract,
  declaredOperations,
  faultsOf,
  responseOf,
  validates,
} from '../support/contract.js'
import { sendRaw, type Answer } from '../support/http.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, logoutToken, nowS, token, type Claims } from '../support/tokens.js'
import {
  gtrPath,
  issSub,
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'
import { feedPath } from '../support/feed-path.js'

/** The objects of a schema that may have members which the schema does not name. */
function openObjects(name: string, schema: object): string[] {
  const { type, additionalProperties, properties, items, oneOf } = schema as {
    type?: string
    additionalProperties?: unknown
    properties?: Record<string, object>
    items?: object
    oneOf?: object[]
  }
  return [
    ...(type === 'object' && additionalProperties !== false ? [name] : []),
    ...Object.entries(properties ?? {}).flatMap(([member, one]) =>
      openObjects(`${name}.${member}`, one),
    ),
    ...(items === undefined ? [] : openObjects(`${name}.items`, items)),
    ...(oneOf ?? []).flatMap((one) => openObjects(name, one)),
  ]
}

/** A transmitter for tokens of another issuer. */
const other = {
  ...transmitter,
  issuer: 'https://other-idp.test',
  tokenIssuers: ['https://other.test'],
}
const issuerEntry = (issuer: string) => ({
  issuer,
  secret: hmacSecret,
  backchannelAudience: 'app',
  backchannelTyp: 'any',
})

/** For 408 alone: on a busy machine any other request may take longer to arrive. */
const shortTimes = {
  headersMs: 200,
  requestMs: 400,
  idleMs: 5_000,
  stuckMs: 60_000,
  checkEveryMs: 50,
}

describe('the contract: every operation × declared status by a real request', () => {
  let redis: TestRedis
  let service: TestService
  let impatient: TestService
  let limited: TestService
  let storeless: TestService
  /** Its operations give answers that the contract does not declare. */
  let rogue: TestService
  /** No key is configured. */
  let throwaway: TestService

  before(async () => {
    redis = await startRedis()
    const env = {
      CLIENTS: clientsVariable,
      ...transmitterVariables(transmitter, other),
      JWT_ISSUERS: JSON.stringify(['https://issuer.test', 'https://other.test'].map(issuerEntry)),
    }
    service = await startService({ ...env, REDIS_URL: redis.url })
    impatient = await startService({}, { times: shortTimes })
    limited = await startService({ ...env, RATE_LIMIT_ADDRESS: '1/60', RATE_LIMIT_SUBJECT: '1/60' })
    storeless = await startService(
      { ...env, REDIS_URL: 'redis://127.0.0.1:1', STORE_TIMEOUT_MS: '100' },
      { waitForStore: false },
    )
    throwaway = await startService({ JWT_SECRET: '' })
    rogue = await startService(
      {},
      {
        operations: (operations) =>
          Object.fromEntries(
            Object.keys(operations).map((id) => [
              id,
              async () => ({ status: 200, body: { secret: id } }),
            ]),
          ) as never,
      },
    )
  })
  after(async () => {
    for (const each of [service, impatient, limited, storeless, rogue, throwaway]) await each.stop()
    await redis.stop()
  })

  const pick = <T>(all: Readonly<Record<string, T>>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
  type Producer = (method: string, path: string) => Promise<Answer>
  const get: Producer = (method, path) => service.send({ method, path })
  const anywhere: Record<string, Producer> = {
    400: (method, path) =>
      sendRaw(service.origin, `${method} ${path} HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n`),
    404: (method, path) => service.send({ method, path: `${path}/` }),
    405: (_method, path) => service.send({ method: 'DELETE', path }),
    408: (method, path) =>
      sendRaw(impatient.origin, `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Unfinished: `),
    431: (method, path) =>
      sendRaw(
        service.origin,
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Large: ${'a'.repeat(40_000)}\r\n\r\n`,
      ),
    501: (method, path) =>
      sendRaw(
        service.origin,
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      ),
  }
  const large = 'x'.repeat(70_000)
  const text = { 'content-type': 'text/plain' }
  const key = 's:STZdE5UhiKXu7dz9QIFjCA'
  const wrongClient = { authorization: basic('all', 'wrong') }
  const twice = async (work: () => Promise<Answer>) => {
    await work()
    return work()
  }
  const formOperation = (path: string): Record<string, Producer> => ({
    ...anywhere,
    200: async () => postForm(service, path, { token: 'no token' }, asClient()),
    400: async () => postForm(service, path, 'token=a&token=b', asClient()),
    401: async () => postForm(service, path, { token: 'x' }, wrongClient),
    403: async () => postForm(service, path, { token: 'x' }, asClient('powerless')),
    413: async () => postForm(service, path, { token: large }, asClient()),
    415: async () => postForm(service, path, { token: 'x' }, { ...asClient(), ...text }),
    429: async () => twice(() => postForm(limited, path, { token: 'x' }, wrongClient)),
    503: async () => postForm(storeless, path, { token: await token() }, asClient()),
  })
  const machineOperation = (
    get: (service: TestService, headers: Record<string, string>) => Promise<Answer>,
    without: ClientName = 'powerless',
  ): Record<string, Producer> => ({
    ...anywhere,
    200: () => get(service, asClient()),
    401: () => get(service, wrongClient),
    403: () => get(service, asClient(without)),
    429: () => twice(() => get(limited, wrongClient)),
    503: () => get(storeless, asClient()),
  })
  const post = (at: TestService, path: string, headers: Record<string, string>, body: unknown) =>
    at.send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const create = (
    at: TestService,
    headers: Record<string, string>,
    body: unknown = { iss: 'https://issuer.test', sid: randomUUID(), reason: 'admin' },
  ) => post(at, '/api/v1/revocations', headers, body)
  const eraseAt = (
    at: TestService,
    headers: Record<string, string>,
    body: unknown = { iss: 'https://issuer.test', sub: 'never named' },
  ) => post(at, '/api/v1/audit/erasures', headers, body)
  const gtr = async (at: TestService, body: unknown, claims: Claims = {}) =>
    revokeGlobally(at, await transmitterJwt(claims), body)
  const unchanged: Producer = async (method, path) => {
    const { headers } = await service.send({ method, path })
    return service.send({ method, path, headers: { 'if-none-match': String(headers['etag']) } })
  }
  const broken: Producer = (method, path) => rogue.send({ method, path })
  const producers: Record<string, Record<string, Producer>> = {
    logout: {
      ...anywhere,
      200: async () => service.logout(await token()),
      401: async () => service.logout('no token'),
      403: async () => service.logout(await token({ exp: nowS(-3600) })),
      413: async () => service.logout(await token(), { token: large }),
      415: async () => service.logout(await token(), {}, { 'content-type': 'text/plain' }),
      429: async () => {
        await limited.logout(await token())
        return limited.logout(await token())
      },
      500: async () => storeless.logout(await token()),
    },
    // Every method and every path below is the same question: no 404, no 405.
    verify: {
      ...pick(anywhere, ['400', '408', '431', '501']),
      200: async () => verify(service, await token()),
      401: async () => verify(service, 'no token'),
      503: async () => verify(storeless, await token()),
    },
    backchannelLogout: {
      ...anywhere,
      200: async () => backchannel(service, await logoutToken()),
      400: async () => backchannel(service, await token()),
      413: async () => backchannel(service, large),
      415: async () =>
        postForm(service, '/api/v1/auth/backchannel-logout', { logout_token: 'x' }, text),
      429: async () => twice(async () => backchannel(limited, 'x')),
      503: async () => backchannel(storeless, await logoutToken()),
    },
    globalTokenRevocation: {
      ...anywhere,
      204: () => gtr(service, issSub('x')),
      400: () => gtr(service, {}),
      401: () => revokeGlobally(service, 'no token', issSub('x')),
      403: () => gtr(service, issSub('x'), { iss: other.issuer }),
      404: () => gtr(service, { sub_id: { format: 'email', email: 'x@example.com' } }),
      413: () => gtr(service, { large }),
      415: () => service.send({ method: 'POST', path: gtrPath, headers: text, body: '{}' }),
      429: () => twice(() => revokeGlobally(limited, 'no token', issSub('x'))),
      503: () => gtr(storeless, issSub('x')),
    },
    introspect: formOperation('/oauth/introspect'),
    revoke: formOperation('/oauth/revoke'),
    metadata: { ...anywhere, 200: get, 503: broken },
    createRevocation: {
      ...machineOperation(create),
      400: () => create(service, asClient(), { sub: 'x' }),
      413: () => create(service, asClient(), { large }),
      415: () => create(service, { ...asClient(), ...text }),
    },
    getRevocation: {
      ...machineOperation((at, headers) =>
        at.send({ path: `/api/v1/revocations/${key}`, headers }),
      ),
      400: async () => service.send({ path: '/api/v1/revocations/no-key', headers: asClient() }),
      404: async () => service.send({ path: `/api/v1/revocations/${key}/`, headers: asClient() }),
    },
    getSnapshot: {
      ...machineOperation(
        (at, headers) => at.send({ path: feedPath('snapshot'), headers }),
        'deaf',
      ),
      400: async () =>
        service.send({ path: '/api/v1/revocations/snapshot?version=-1', headers: asClient() }),
      426: async () =>
        service.send({ path: '/api/v1/revocations/snapshot?version=0', headers: asClient() }),
    },
    followEvents: {
      ...machineOperation(
        (at, headers) => at.send({ path: feedPath('events', 'from=1-0.genesis'), headers }),
        'deaf',
      ),
      400: async () => service.send({ path: feedPath('events', 'from=1'), headers: asClient() }),
      426: async () =>
        service.send({
          path: '/api/v1/revocations/events?from=1-0.genesis&version=0',
          headers: asClient(),
        }),
    },
    getPosition: {
      ...machineOperation(
        (at, headers) => at.send({ path: feedPath('position'), headers }),
        'deaf',
      ),
      400: async () =>
        service.send({ path: '/api/v1/revocations/position?version=-1', headers: asClient() }),
      426: async () =>
        service.send({ path: '/api/v1/revocations/position?version=0', headers: asClient() }),
    },
    listAuditEvents: {
      ...machineOperation((at, headers) =>
        at.send({ path: '/api/v1/audit/events?subject=unknown', headers }),
      ),
      400: async () => service.send({ path: '/api/v1/audit/events?limit=0', headers: asClient() }),
    },
    eraseSubject: {
      ...machineOperation(eraseAt),
      400: () => eraseAt(service, asClient(), { sub: 'x' }),
      413: () => eraseAt(service, asClient(), { large }),
      415: () => eraseAt(service, { ...asClient(), ...text }),
    },
    live: { ...anywhere, 200: get, 503: broken },
    ready: { ...anywhere, 200: get, 503: (method, path) => storeless.send({ method, path }) },
    contractYaml: { ...anywhere, 200: get, 304: unchanged, 503: broken },
    contractJson: { ...anywhere, 200: get, 304: unchanged, 503: broken },
    home: {
      ...anywhere,
      200: get,
      304: unchanged,
      404: async () => service.send({ path: '//' }),
      503: broken,
    },
    docs: { ...anywhere, 200: get, 304: unchanged, 503: broken },
    docsFile: {
      ...anywhere,
      200: async () => service.send({ path: '/docs/reference.css' }),
      304: async () => unchanged('GET', '/docs/reference.css'),
      503: async () => rogue.send({ path: '/docs/reference.css' }),
    },
    developmentToken: {
      ...anywhere,
      200: async () => throwaway.send({ method: 'POST', path: '/docs/token' }),
      503: async () => rogue.send({ method: 'POST', path: '/docs/token' }),
    },
    metrics: { ...anywhere, 200: get, 503: broken },
  }

  it('has a producer for each operation and status, and no other', () => {
    const declared = Object.fromEntries(
      declaredOperations.map(({ operationId, responses }) => [
        operationId,
        Object.keys(responses).sort(),
      ]),
    )
    const produced = Object.fromEntries(
      Object.entries(producers).map(([operationId, statuses]) => [
        operationId,
        Object.keys(statuses).sort(),
      ]),
    )
    expect(produced).to.deep.equal(declared)
  })

  // Operations whose answers differ each time, or are the contract itself.
  const examplesThatBegin = new Set([
    'contractYaml',
    'contractJson',
    'createRevocation',
    'getSnapshot',
    'getPosition',
    'home',
    'docs',
    'docsFile',
    'developmentToken',
    'metrics',
  ])

  for (const { operationId, method, path, responses } of declaredOperations) {
    for (const status of Object.keys(responses)) {
      it(`${operationId} ${status}`, async () => {
        const answer = await producers[operationId]![status]!(method, path)
        expect(answer.status).to.equal(Number(status))
        expect(faultsOf(operationId, answer)).to.deep.equal([])
        if (status === '200' && examplesThatBegin.has(operationId)) return
        const { content } = responseOf(operationId, status)
        if (content === undefined) return
        const examples = Object.values(content).flatMap((content) =>
          Object.values(content.examples ?? {}),
        )
        expect(examples.map(({ value }) => value)).to.deep.include(
          operationId === 'followEvents' && status === '200' ? answer.text : answer.json,
        )
      })
    }
  }

  it('has only examples that its own schemas accept', () => {
    const bodies = declaredOperations.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.values(content).map((body) => ({ name: `${operationId} ${status}`, ...body })),
      ),
    )
    const wrong = bodies.flatMap(({ name, schema, examples = {} }) => {
      expect(Object.keys(examples), name).not.to.be.empty
      return Object.entries(examples)
        .filter(([, { value }]) => !validates(schema, value))
        .map(([example]) => `${name} ${example}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('describes each refusal once, under components', () => {
    const paths = contract['paths'] as Record<string, Record<string, { responses: object }>>
    const inPlace = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).flatMap(({ responses }) =>
        Object.entries(responses as Record<string, object>)
          .filter(([status, response]) => !status.startsWith('2') && !('$ref' in response))
          .map(([status]) => `${path} ${status}`),
      ),
    )
    expect(inPlace).to.deep.equal([])
  })

  // Introspection answers the claims that a client's `claims` names, whatever they are.
  it('closes every object of an answer but those of a token and the contract itself', () => {
    const open = declaredOperations.flatMap(({ operationId, responses }) =>
      Object.values(responses).flatMap(({ content = {} }) =>
        Object.values(content).flatMap(({ schema }) => openObjects(operationId, schema)),
      ),
    )
    const ofTheDocument = ['info', 'servers.items', 'tags.items', 'security.items', 'paths']
    expect(new Set(open)).to.deep.equal(
      new Set([
        'introspect',
        'introspect.cnf',
        ...[...ofTheDocument, 'components'].map((name) => `contractJson.${name}`),
      ]),
    )
  })

  it('200: published as it stands, the same in JSON and to parsers of YAML 1.1 and 1.2', async () => {
    const yaml = await service.send({ path: '/openapi.yaml' })
    const json = await service.send({ path: '/openapi.json' })
    const { parse } = await import('yaml')
    for (const version of ['1.1', '1.2'] as const)
      expect(parse(yaml.text, { version })).to.deep.equal(json.json)
    expect(yaml.text.startsWith('openapi: 3.1.0\n')).to.equal(true)
  })

  it('200: any text of any length names a subject; 400 for an empty text', async () => {
    const statusOf = async (sub: string) => {
      const named = { iss: 'https://issuer.test', sub, reason: 'admin' }
      return (await create(service, asClient(), named)).status
    }
    const names = ['', 'a', '😀', 'a'.repeat(10_000), '😀'.repeat(1025)]
    expect(await Promise.all(names.map(statusOf))).to.deep.equal([400, 200, 200, 200, 200])
  })

  it('500 when an operation breaks the contract: the log has the violation, the answer does not', async () => {
    const answer = await rogue.logout(await token())
    expect([answer.status, answer.json]).to.deep.equal([
      500,
      { success: false, message: 'Error interno del servidor' },
    ])
    const logged = rogue.logged().filter(({ msg }) => msg === 'request failed')
    expect(JSON.stringify(logged)).to.include('an answer violates the contract')
  })

  it('204 with Allow to OPTIONS; HEAD gets the answer of GET without its body', async () => {
    const options = await service.send({ method: 'OPTIONS', path: '/api/v1/auth/logout' })
    expect([options.status, options.headers['allow'], options.text]).to.deep.equal([
      204,
      'POST, OPTIONS',
      '',
    ])
    const head = await service.send({ method: 'HEAD', path: '/health/live' })
    expect([head.status, head.text]).to.deep.equal([200, ''])
  })
})
