import { expect } from 'chai'
import { startService, type TestService } from '../support/service.js'

describe('the request id', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.stop())

  it('is the X-Request-Id of the caller if it is valid, else a new one', async () => {
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
})
