import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { asClient, clientsVariable } from '../support/clients.js'
import { feedPath } from '../support/feed-path.js'
import { receiveAll, sendRaw, statusesOf } from '../support/http.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const badRequest = { success: false, message: 'Solicitud inválida' }

describe('the server', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.stop())

  it('400 in the envelope where Node itself would refuse', async () => {
    for (const text of [
      'GET /health/live HTTP/1.1\r\n\r\n',
      'nonsense\r\n\r\n',
      'GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n',
      'BREW / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
      'GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    ]) {
      const answer = await sendRaw(
        service.origin,
        text.replace(
          '\r\n\r\n',
          text.includes('Connection') ? '\r\n\r\n' : '\r\nConnection: close\r\n\r\n',
        ),
      )
      expect([text, answer.status, answer.json]).to.deep.equal([text, 400, badRequest])
      expect(answer.headers['content-type']).to.equal('application/json; charset=utf-8')
    }
    const expectation = await sendRaw(
      service.origin,
      'GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\nConnection: close\r\n\r\n',
    )
    expect(expectation.status).to.equal(200)
  })

  it('400 for a head that Node takes: versions, Host lines, fragments, a coding in HTTP/1.0', async () => {
    const head = (line: string, ...fields: string[]) =>
      [line, ...fields, 'Connection: close', '', '0', '', ''].join('\r\n')
    const get = 'GET /health/live HTTP/1.1'
    const hosts = ['a b', 'a/b', 'user@a', 'a:b', 'a:1:2', '[::1', '[x]', 'a%zz', 'a,b"']
    for (const text of [
      head('GET /health/live HTTP/0.9', 'Host: x'),
      head('GET /health/live HTTP/2.0', 'Host: x'),
      head(get, 'Host: x', 'Host: x'),
      head(get, 'Host: x', 'hOST: y'),
      head('GET /health/live HTTP/1.0', 'Host: x', 'Host: x'),
      ...hosts.map((host) => head(get, `Host: ${host}`)),
      head('GET /health/live#top HTTP/1.1', 'Host: x'),
      head('GET http://x/health/live#top HTTP/1.1', 'Host: x'),
      head('GET /health/live HTTP/1.0', 'Transfer-Encoding: chunked'),
    ]) {
      const { status, json } = await sendRaw(service.origin, text)
      expect([text, status, json]).to.deep.equal([text, 400, badRequest])
    }
  })

  it('200 for every valid Host, and none in HTTP/1.0', async () => {
    for (const host of ['x', 'x:', 'x:80', '[::1]:3000', '127.0.0.1', 'a_b.c-d', 'a%20b', ''])
      expect([
        host,
        (
          await sendRaw(
            service.origin,
            `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
          )
        ).status,
      ]).to.deep.equal([host, 200])
    expect((await sendRaw(service.origin, 'GET /health/live HTTP/1.0\r\n\r\n')).status).to.equal(
      200,
    )
  })

  it('501 for a transfer coding other than chunked, whose end is known, and 400 otherwise', async () => {
    const post = (path: string, coding: string) =>
      sendRaw(
        service.origin,
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      )
    for (const coding of ['gzip, chunked', 'deflate,chunked', 'x-own, chunked']) {
      const { status, json, headers } = await post('/api/v1/auth/logout', coding)
      expect([coding, status, json, headers['connection'], headers['retry-after']]).to.deep.equal([
        coding,
        501,
        { success: false, message: 'Codificación de transferencia no admitida' },
        'close',
        undefined,
      ])
      const oauth = await post('/oauth/revoke', coding)
      expect([oauth.status, oauth.json]).to.deep.equal([501, { error: 'invalid_request' }])
    }
    // Nothing tells where this body ends (RFC 9112 §6.3).
    expect((await post('/api/v1/auth/logout', 'gzip')).status).to.equal(400)
  })

  it('answers that are due are sent before a bad connection is closed; CONNECT gets 400', async () => {
    const connect = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n'
    for (const bad of [
      'X\r\n\r\n',
      connect,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nX',
    ]) {
      const jwt = await token()
      const body = JSON.stringify({ token: jwt })
      const logout = `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const verify = `GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\n\r\n`
      const received = await receiveAll(service.origin, verify + logout + verify + bad)
      expect([bad, statusesOf(received)]).to.deep.equal([bad, ['200', '200', '401']])
      // An answer that stands alone is sent, too, before the bytes after it are seen.
      expect(statusesOf(await receiveAll(service.origin, verify + bad))).to.deep.equal(['401'])
    }
    const tunnel = await sendRaw(service.origin, connect)
    expect([tunnel.status, tunnel.json]).to.deep.equal([400, badRequest])
  })

  it('garbage or a reset after a finished answer ends that connection alone', async () => {
    const { hostname, port } = new URL(service.origin)
    for (const spoil of [
      (socket: Socket) => void socket.write('garbage\r\n\r\n'),
      (socket: Socket) => void socket.resetAndDestroy(),
    ]) {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
      const closed = once(socket, 'close')
      spoil(socket)
      socket.resume()
      await closed
      expect((await service.send({ path: '/health/live' })).status).to.equal(200)
    }
  })

  it('a client that resets its connection while it is answered is no error in the log', async () => {
    const own = await startService({ CLIENTS: clientsVariable })
    const { hostname, port } = new URL(own.origin)
    const { authorization } = asClient()
    const connections = () =>
      new Promise<number>((resolve) => own.server.getConnections((_error, count) => resolve(count)))
    try {
      const { json } = await own.send({ path: feedPath('position'), headers: { authorization } })
      const { position } = json as { position: string }
      for (const path of [feedPath('events', `from=${position}`), feedPath('snapshot')]) {
        const socket = connect(Number(port), hostname)
        socket.on('error', () => undefined)
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`)
        const [head] = (await once(socket, 'data')) as [Buffer]
        expect(head.toString('latin1')).to.match(/^HTTP\/1\.1 200 /)
        socket.resetAndDestroy()
        await until('the service has seen it', async () => (await connections()) === 0)
      }
    } finally {
      await own.stop()
    }
    expect(
      own.logged().filter(({ level }) => level === 'error' || level === 'fatal'),
    ).to.deep.equal([])
  })

  it('a header line is read after any number of others', async () => {
    const line = `Authorization: Bearer ${await token()}\r\n`
    const many = 'a:b\r\n'.repeat(1_500)
    const answers = [`${line}${many}`, `${line}${many}${line}`].map((lines) =>
      sendRaw(
        service.origin,
        `GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`,
      ),
    )
    expect((await Promise.all(answers)).map(({ status }) => status)).to.deep.equal([200, 401])
  })

  it('a drain does not wait for a connection that its last answer kept open', async () => {
    const own = await startService()
    const { hostname, port } = new URL(own.origin)
    const jwt = await token()
    const body = JSON.stringify({ token: jwt })
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    socket.write(
      `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    await until('it is expected', () => received.includes('100 Continue'))
    // A drain that waits for the connection would take an hour.
    const drained = own.drain(3_600_000)
    const closed = once(socket, 'close')
    socket.write(body)
    await Promise.all([drained, closed])
    expect(received.split('HTTP/1.1 200')).to.have.length(3)
    await own.stop()
  })

  it('408 for a request that never ends', async () => {
    const impatient = await startService(
      {},
      {
        times: { headersMs: 200, requestMs: 300, idleMs: 1_000, stuckMs: 5_000, checkEveryMs: 50 },
      },
    )
    try {
      const slow = await sendRaw(
        impatient.origin,
        'POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"tok',
      )
      expect([slow.status, slow.json]).to.deep.equal([
        408,
        { success: false, message: 'Tiempo de espera agotado' },
      ])
    } finally {
      await impatient.stop()
    }
  })

  it('200 over HTTPS, with the headers for HTTPS', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cierre-tls-'))
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '1',
        '-subj',
        '/CN=127.0.0.1',
      ],
      { stdio: 'ignore' },
    )
    const secure = await startService({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key })
    try {
      const answer = await secure.logout(await token())
      expect(answer.status).to.equal(200)
      expect(answer.headers).to.include({
        'strict-transport-security': 'max-age=31536000',
        'clear-site-data': '"storage"',
      })
    } finally {
      await secure.stop()
      rmSync(dir, { recursive: true })
    }
  })
})
