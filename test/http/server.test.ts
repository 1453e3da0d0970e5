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

  it('garbage after a whole request does not turn its answer into a 400; CONNECT gets 400 in the envelope', async () => {
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
    socket.write(body)
    await drained
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
