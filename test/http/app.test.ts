import { expect } from 'chai'
import { sendRaw } from '../support/http.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const badRequest = { success: false, message: 'Solicitud inválida' }

describe('HTTP', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CORS_ORIGINS: 'https://app.example.com, http://localhost:5173' })
  })
  after(() => service.stop())

  it('every answer carries the security headers', async () => {
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

  it('400 for a target that is no URL, and no log has it', async () => {
    const jwt = await token()
    const answer = await sendRaw(
      service.origin,
      `GET http://[?token=${jwt} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    expect([answer.status, answer.json]).to.deep.equal([400, badRequest])
    expect(answer.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
    expect(JSON.stringify(service.logged())).not.to.include('http://[')
  })
})
