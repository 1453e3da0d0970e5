import { expect } from 'chai'
import { asClient, clientsVariable } from '../support/clients.js'
import { sendRaw } from '../support/http.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'

const badRequest = { success: false, message: 'Solicitud inválida' }
const wrong = (path: string, rule: string) => ({ ...badRequest, details: [{ path, rule }] })

describe('routes', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  const get = (path: string, query: string) =>
    service.send({ path: `${path}?${query}`, headers: asClient() })
  const audit = (query: string) => get('/api/v1/audit/events', query)

  for (const text of ['1', '100', '1000']) {
    it(`200: an integer parameter written ${text}`, async () =>
      expect((await audit(`limit=${text}`)).status).to.equal(200))
  }

  for (const text of [
    '0x10',
    '0b1',
    '2.5',
    '2.0',
    '+5',
    '%2B5',
    '%205',
    '5%20',
    '5%0A',
    '',
    '%20',
    '1e2',
    '05',
    '-0x1',
    'five',
    'Infinity',
    'NaN',
    '%D9%A5',
    '0',
    '-1',
    '1001',
    '99999999999999999999',
  ]) {
    it(`400: an integer parameter written "${text}"`, async () => {
      const answer = await audit(`limit=${text}`)
      expect([answer.status, answer.json]).to.deep.equal([
        400,
        wrong('query.limit', 'must be an integer from 1 to 1000'),
      ])
    })
  }

  it('400: the same check for the integer parameter of every operation', async () => {
    for (const path of ['position', 'snapshot', 'events'])
      for (const text of ['0x1', '1.5', '+1', ''])
        expect(
          (await get(`/api/v1/revocations/${path}`, `from=1-0.genesis&version=${text}`)).status,
          `${path} ${text}`,
        ).to.equal(400)
  })

  for (const text of [
    '2026-11-21T00:00:00Z',
    '2026-11-21t00:00:00z',
    '2026-11-21T23:59:59.123456Z',
    '2026-11-21T00:00:00%2B01:00',
    '2026-11-21T00:00:00-23:59',
    '2024-02-29T00:00:00Z',
  ]) {
    it(`200: a date-time parameter written ${text}`, async () =>
      expect((await audit(`from=${text}`)).status).to.equal(200))
  }

  for (const text of [
    '2026-11-21T00:00:00',
    '2026-11-21T00:00:00.5',
    '2026-11-21%2000:00:00Z',
    '2026-11-21T00:00Z',
    '2026-11-21',
    '2026-11-21T00:00:00+01:00',
    '2026-11-21T00:00:00%2B0100',
    '2026-11-21T00:00:00%2B24:00',
    '2026-11-21T23:59:60Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '%202026-11-21T00:00:00Z',
    '2026-11-21T00:00:00Z%0A',
    '1795228156000',
    '',
  ]) {
    it(`400: a date-time parameter written "${text}"`, async () => {
      const answer = await audit(`to=${text}`)
      expect([answer.status, answer.json]).to.deep.equal([
        400,
        wrong(
          'query.to',
          'must be a time of RFC 3339 with its offset, such as 2026-11-26T12:00:00Z; in a query a plus sign is written %2B',
        ),
      ])
    })
  }

  it('400: an unknown parameter, or any parameter that is sent twice', async () => {
    for (const query of ['limit=1&limit=1', 'limit=1&other=1', 'Limit=1', 'limit%20=1', '=1'])
      expect((await audit(query)).status, query).to.equal(400)
    expect((await get('/health/live', 'a=1&a=2')).status).to.equal(400)
    const many = Array.from({ length: 1_100 }, (_, index) => `a${index}=`).join('&')
    expect((await get('/health/live', `${many}&a1=`)).status).to.equal(400)
  })

  it('400 says which parameter is wrong, and repeats nothing that the client has sent', async () => {
    const all = 'the parameters are subject, key, event, client, reason, from, to, limit, cursor'
    for (const [query, path, rule] of [
      ['key=secret', 'query.key', 'must be a text of the form ^[tsujn]:[A-Za-z0-9_-]{21}[AQgw]$'],
      ['subject=', 'query.subject', 'must be a text that is not empty'],
      ['secret=1', 'query', `there is no such parameter; ${all}`],
      ['secret=1&secret=1', 'query', `no parameter may come twice; ${all}`],
    ] as const)
      expect((await audit(query)).json, query).to.deep.equal(wrong(path, rule))
    expect((await get('/api/v1/revocations/position', 'version=secret')).json).to.deep.equal(
      wrong('query.version', 'must be an integer from 0 to 1000000'),
    )
    expect((await get('/health/live', 'a=1&a=2')).json).to.deep.equal(badRequest)
  })

  it('200: an operation without query parameters ignores those that a health check or a cache adds', async () =>
    expect((await get('/health/live', 'probe=1&_=1795228156000')).status).to.equal(200))

  it('426: a default applies where the parameter is absent: version 1, which is too old', async () =>
    expect((await get('/api/v1/revocations/position', '')).status).to.equal(426))

  it('a path that fits two routes belongs to the one without a parameter', async () => {
    const headers = asClient()
    const snapshot = await service.send({ path: feedPath('snapshot'), headers })
    expect(snapshot.headers['content-type']).to.equal('application/octet-stream')
    const none = await service.send({ method: 'POST', path: feedPath('snapshot') })
    expect([none.status, none.headers['allow']]).to.deep.equal([405, 'HEAD, GET, OPTIONS'])
  })

  it('400 by an operation: neither the answer nor the log has the parameter', async () => {
    const answer = await audit('cursor=secret-cursor')
    expect(answer.json).to.deep.equal(
      wrong('query.cursor', 'must be a text of the form ^[1-9][0-9]{0,15}-[0-9]{1,16}$'),
    )
    expect(JSON.stringify(service.logged())).not.to.include('secret-cursor')
  })

  it('401 or 400 for an unreadable body, as the operation says', async () => {
    const jwt = await token()
    const post = (path: string, body: string, headers: Record<string, string>) =>
      service.send({
        method: 'POST',
        path,
        body,
        headers: { 'content-type': 'application/json', ...headers },
      })
    for (const body of ['', '{', '[]', 'null', '{}', '{"token":""}', '{"token":1}']) {
      const bearer = { authorization: `Bearer ${jwt}` }
      expect((await post('/api/v1/auth/logout', body, bearer)).status, body).to.equal(401)
      expect((await post('/api/v1/revocations', body, asClient())).status, body).to.equal(400)
    }
    expect(
      (await service.logout(jwt, { token: jwt, unknown: 1 })).status,
      'an unknown member',
    ).to.equal(400)
  })

  it('401: a body is required, with or without a content type', async () => {
    const jwt = await token()
    for (const lines of ['', 'Content-Type: application/json\r\n', 'Content-Length: 0\r\n']) {
      const answer = await sendRaw(
        service.origin,
        `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\n${lines}Connection: close\r\n\r\n`,
      )
      expect(answer.status, lines).to.equal(401)
    }
  })
})
