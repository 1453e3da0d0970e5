// Tests of your own API, with node:test. Tokens are made and revoked in memory: no service, no
// network, and the guard checks as in production.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createTestGuard } from 'cierre/guard/testing'
import { createApi } from './guard-express.js'

void test('the API refuses a token that was logged out, and does not guess', async (context) => {
  const { guard, token, revoke, setStale, close } = createTestGuard()
  const server = createApi(guard).listen(0, '127.0.0.1')
  context.after(async () => {
    server.close()
    await close()
  })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const get = async (jwt: string) =>
    (await fetch(url, { headers: { authorization: `Bearer ${jwt}`, connection: 'close' } })).status

  const jwt = await token({ sub: 'alice' })
  assert.equal(await get(jwt), 200)
  assert.equal(await get(await token({ exp: 0 })), 401)
  await revoke({ token: jwt })
  assert.equal(await get(jwt), 401)
  setStale(true)
  assert.equal(await get(await token({ sub: 'bob' })), 503)
})
