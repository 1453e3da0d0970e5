import { expect } from 'chai'
import { startService, type TestService } from '../support/service.js'

describe('CORS', () => {
  let service: TestService
  before(async () => {
    service = await startService({
      CORS_ORIGINS: 'https://app.example.com, http://localhost:5173, capacitor://localhost',
    })
  })
  after(() => service.stop())

  it('allows exact origins only, with credentials, also on errors', async () => {
    const path = '/api/v1/auth/logout'
    const preflight = (origin: string) =>
      service.send({
        method: 'OPTIONS',
        path,
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,traceparent,x-own',
        },
      })
    const allowed = await preflight('https://app.example.com')
    expect(allowed.status).to.equal(204)
    expect(allowed.headers).to.include({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-credentials': 'true',
    })
    expect(allowed.headers['access-control-allow-headers']).to.equal(
      'authorization,traceparent,x-own',
    )
    const app = await preflight('capacitor://localhost')
    expect(app.headers['access-control-allow-origin']).to.equal('capacitor://localhost')
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
      'WWW-Authenticate, X-Error-Reason, X-Upstream-Revocation, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
    )
    expect(String(failed.headers['vary'])).to.include('Origin')
  })

  for (const CORS_ORIGINS of ['', 'https://app.example.com'])
    it(`logs a refused origin once, and never its own; CORS_ORIGINS=${CORS_ORIGINS}`, async () => {
      const own = await startService({ CORS_ORIGINS })
      const from = (origin: string, method: string) =>
        own.send({ method, path: '/api/v1/auth/logout', headers: { origin } })
      try {
        for (const origin of ['https://web.example.com', own.origin, 'null', 'no origin', '*'])
          for (const method of ['POST', 'OPTIONS', 'POST']) await from(origin, method)
        const refused = own.logged().filter(({ msg }) => String(msg).includes('CORS_ORIGINS'))
        expect(refused.map(({ origin }) => origin)).to.deep.equal(['https://web.example.com'])
      } finally {
        await own.stop()
      }
    })
})
