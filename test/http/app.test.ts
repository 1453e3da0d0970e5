import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { sendRaw } from '../support/http.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const badRequest = { success: false, message: 'Solicitud inválida' }

describe('HTTP', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CORS_ORIGINS: 'https://app.example.com, http://localhost:5173' })
  })
  after(() => service.stop())

  it('carries its security headers on every answer', async () => {
    for (const path of ['/health/live', '/nowhere', '/openapi.json']) {
      const { headers } = await service.send({ path })
      expect(headers).to.include({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      })
    }
  })

  it('returns the request id of the caller when it is sane, else makes one', async () => {
    expect(
      (await service.send({ path: '/health/live', headers: { 'x-request-id': 'abc-1.2_3' } }))
        .headers['x-request-id'],
    ).to.equal('abc-1.2_3')
    for (const bad of ['', 'a b', 'x'.repeat(65), 'a;b', '<x>']) {
      expect(
        (await service.send({ path: '/health/live', headers: { 'x-request-id': bad } })).headers[
          'x-request-id'
        ],
      ).to.match(/^[0-9a-f-]{36}$/)
    }
  })

  it('CORS: exact origins only, with credentials, also on errors', async () => {
    const path = '/api/v1/auth/logout'
    const preflight = (origin: string) =>
      service.send({
        method: 'OPTIONS',
        path,
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        },
      })
    const allowed = await preflight('https://app.example.com')
    expect(allowed.status).to.equal(204)
    expect(allowed.headers).to.include({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-credentials': 'true',
    })
    expect(String(allowed.headers['access-control-allow-headers'])).to.include('Authorization')
    expect(allowed.headers).to.include({
      allow: 'POST, OPTIONS',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    expect(allowed.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
    for (const origin of [
      'https://app.example.com.evil.test',
      'https://evil.test',
      'null',
      'http://app.example.com',
    ]) {
      expect((await preflight(origin)).headers['access-control-allow-origin'], origin).to.equal(
        undefined,
      )
    }
    const failed = await service.send({
      method: 'POST',
      path,
      headers: { origin: 'http://localhost:5173' },
    })
    expect([failed.status, failed.headers['access-control-allow-origin']]).to.deep.equal([
      401,
      'http://localhost:5173',
    ])
    expect(failed.headers['access-control-expose-headers']).to.equal(
      'WWW-Authenticate, X-Error-Reason, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
    )
    expect(String(failed.headers['vary'])).to.include('Origin')
  })

  it('405 with Allow, 404, and 204 on OPTIONS', async () => {
    const wrong = await service.send({ method: 'GET', path: '/api/v1/auth/logout' })
    expect([wrong.status, wrong.headers['allow'], wrong.json]).to.deep.equal([
      405,
      'POST, OPTIONS',
      { success: false, message: 'Método no permitido' },
    ])
    for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'])
      expect((await service.send({ method, path: '/health/live' })).status).to.equal(405)
    expect((await service.send({ path: '/nowhere' })).json).to.deep.equal({
      success: false,
      message: 'Recurso no encontrado',
    })
    expect((await service.send({ method: 'OPTIONS', path: '/nowhere' })).status).to.equal(404)
  })

  it('answers in the envelope where Node itself would refuse', async () => {
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

  it('a media type with parameters that cannot be parsed is still that media type', async () => {
    for (const type of [
      'application/json;',
      'application/json; x',
      'application/json;charset="',
      'APPLICATION/JSON; charset=utf-8',
      'application/json ;\tcharset=utf-8',
      'application/json; =a',
    ]) {
      const jwt = await token()
      expect(
        (await service.logout(jwt, { token: jwt }, { 'content-type': type })).status,
        type,
      ).to.equal(200)
    }
  })

  it('garbage behind a whole request does not answer in its place; CONNECT gets the envelope', async () => {
    const jwt = await token()
    const body = JSON.stringify({ token: jwt })
    const head = `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    expect((await sendRaw(service.origin, `${head}${body}X\r\n\r\n`)).status).not.to.equal(400)
    const tunnel = await sendRaw(
      service.origin,
      'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n',
    )
    expect([tunnel.status, tunnel.json]).to.deep.equal([400, badRequest])
  })

  it('garbage, or a reset, after a finished answer ends that connection and nothing else', async () => {
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

  it('an address that is none is a 400, and is in no log', async () => {
    const jwt = await token()
    const answer = await sendRaw(
      service.origin,
      `GET http://[?token=${jwt} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    expect([answer.status, answer.json]).to.deep.equal([400, badRequest])
    expect(answer.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
    expect(JSON.stringify(service.logged())).not.to.include('http://[')
  })

  it('a header line is read behind however many others', async () => {
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

  it('a client that sends more requests than it reads answers is cut off; a few at once are answered', async () => {
    const request = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'
    const answered = async (text: string) => {
      const { hostname, port } = new URL(service.origin)
      const socket = connect(Number(port), hostname)
      let received = ''
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
      socket.on('error', () => undefined)
      socket.write(text)
      await once(socket, 'close')
      return received.split('HTTP/1.1 200').length - 1
    }
    expect(
      await answered(
        request.repeat(9) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      ),
    ).to.equal(10)
    expect(await answered(request.repeat(1_000))).to.be.at.most(16)
  })

  it('drains without waiting for a connection that its last answer kept open', async () => {
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
    const startedAt = performance.now()
    const drained = own.drain(10_000)
    socket.write(body)
    await drained
    expect(performance.now() - startedAt).to.be.below(5_000)
    expect(received.split('HTTP/1.1 200')).to.have.length(3)
    await own.stop()
  })

  it('a request that never ends is ended: 408', async () => {
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

  it('serves HTTPS itself', async () => {
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
