import { expect } from 'chai'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('a request body', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.stop())

  it('200: a media type with unreadable parameters is still that media type', async () => {
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
})
