import { expect } from 'chai'
import express, { type ErrorRequestHandler } from 'express'
import { expressjwt, type Params } from 'express-jwt'
import Koa from 'koa'
import koaJwt from 'koa-jwt'
import {
  fromCookie,
  isRevokedForExpressJwt,
  isRevokedForKoaJwt,
  type Guard,
  type GuardError,
} from '../../../src/guard.js'
import { createServers } from '../../support/adapters.js'
import { clientsVariable } from '../../support/clients.js'
import { startGuard } from '../../support/guard.js'
import { send } from '../../support/http.js'
import { freePort } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { hmacSecret, nowS, token } from '../../support/tokens.js'

type Thrown = Error & { code?: string; status?: number; inner?: Thrown; originalError?: Thrown }
/** What an error handler of the API sees. */
const seenOf = ({ name, code, status, message }: Thrown) => [name, code, status, message]

describe('isRevoked of express-jwt and koa-jwt', () => {
  let service: TestService
  let guard: Guard
  let stale: Guard
  const servers = createServers()
  let errors: Thrown[] = []
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin)
    stale = startGuard(`http://127.0.0.1:${await freePort()}`)
    await guard.ready()
  })
  beforeEach(() => {
    errors = []
  })
  after(async () => {
    servers.close()
    await guard.close()
    await stale.close()
    await service.stop()
  })
  const get = (origin: string, jwt: string, headers: Record<string, string | string[]> = {}) =>
    send(origin, { headers: { authorization: `Bearer ${jwt}`, ...headers } })
  const loggedOut = async (by: Guard) => {
    const jwt = await token()
    const claims = await by.check({ token: jwt })
    const revoked = new Promise((resolve) => by.watch(claims, resolve))
    expect((await service.logout(jwt)).status).to.equal(200)
    await revoked
    return jwt
  }

  describe('express-jwt', () => {
    const api = (by: Guard, { getToken }: Pick<Params, 'getToken'> = {}, options = {}) => {
      const noteError: ErrorRequestHandler = (error: Thrown, _request, _response, next) => {
        errors.push(error)
        next(error)
      }
      const app = express()
      app.set('env', 'test') // Express logs errors elsewhere.
      app.use(
        expressjwt({
          secret: hmacSecret,
          algorithms: ['HS256'],
          clockTolerance: 300,
          isRevoked: isRevokedForExpressJwt(by, options),
          ...(getToken && { getToken }),
        }),
      )
      app.get('/', (request, response) => {
        response.send((request as unknown as { auth: { sub: string } }).auth.sub)
      })
      return servers.serve(app.use(noteError))
    }

    it('200; revoked_token for a revoked token, and for no other', async () => {
      const origin = await api(guard)
      const good = await get(origin, await token({ sub: 'alice' }))
      expect([good.status, good.text]).to.deep.equal([200, 'alice'])
      const revoked = await get(origin, await loggedOut(guard))
      expect(revoked.status).to.equal(401)
      expect(errors.map(seenOf)).to.deep.equal([
        ['UnauthorizedError', 'revoked_token', 401, 'The token has been revoked.'],
      ])
    })

    it('401 invalid_token with the reason in inner: expired, of another issuer, two lines', async () => {
      const origin = await api(guard)
      const jwt = await token()
      const expired = await get(origin, await token({ exp: nowS(-90) }))
      const foreign = await get(origin, await token({ iss: 'https://other.test' }))
      const twice = await send(origin, {
        headers: ['Host', 'x', ...['', ''].flatMap(() => ['Authorization', `Bearer ${jwt}`])],
      })
      expect([expired.status, foreign.status, twice.status]).to.deep.equal([401, 401, 401])
      expect(expired.headers['www-authenticate']).to.include('error="invalid_token"')
      const invalid = 'The access token is malformed, invalid or revoked'
      expect(errors.map(seenOf)).to.deep.equal([
        ['UnauthorizedError', 'invalid_token', 401, 'The access token expired'],
        ['UnauthorizedError', 'invalid_token', 401, invalid],
        ['UnauthorizedError', 'invalid_token', 401, invalid],
      ])
      const inner = errors.map((error) => error.inner as unknown as GuardError)
      expect(inner.map(({ name, code, reason }) => [name, code, reason])).to.deep.equal([
        ['GuardError', 'token_expired', 'expired'],
        ['GuardError', 'invalid_token', 'unknown_issuer'],
        ['GuardError', 'invalid_token', 'two_credentials'],
      ])
    })

    it('503 with Retry-After while the guard cannot tell', async () => {
      const unknown = await get(await api(stale), await token())
      expect([unknown.status, unknown.headers['retry-after']]).to.deep.equal([503, '1'])
      expect(errors.map(seenOf)).to.deep.equal([['GuardError', 'unknown', 503, 'unknown']])
    })

    it('checks the token that express-jwt verified: 500 unless both have the same getToken', async () => {
      const cookieOf = fromCookie('token')
      const getToken = (request: object) => cookieOf(request)
      const [good, revoked] = [await token({ sub: 'alice' }), await loggedOut(guard)]
      const same = await api(guard, { getToken }, { getToken })
      expect((await get(same, 'x', { cookie: `token=${good}` })).text).to.equal('alice')
      expect((await get(same, good, { cookie: `token=${revoked}` })).status).to.equal(401)
      expect(errors.map(({ code }) => code)).to.deep.equal(['revoked_token'])
      const other = await api(guard, { getToken })
      const answers = [
        await get(other, good, { cookie: `token=${revoked}` }),
        await send(other, { headers: { cookie: `token=${good}` } }),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([500, 500])
      expect(errors.at(-1)?.message).to.include('needs the same getToken')
      expect(() => isRevokedForExpressJwt(guard, { optional: true } as never)).to.throw(
        TypeError,
        'isRevokedForExpressJwt: options has members that are not known: optional',
      )
    })
  })

  describe('koa-jwt', () => {
    const api = (by: Guard, options: Partial<koaJwt.Options> = {}) => {
      const app = new Koa()
      app.silent = true
      // jsonwebtoken's; the types of koa-jwt do not have it.
      const leeway = { clockTolerance: 300 }
      app.on('error', (error: Thrown) => void errors.push(error))
      app.use(
        koaJwt({
          secret: hmacSecret,
          isRevoked: isRevokedForKoaJwt(by),
          ...leeway,
          ...options,
        }),
      )
      app.use((ctx) => {
        const { user, jwtOriginalError } = ctx.state as {
          user?: { sub: string }
          jwtOriginalError?: Thrown
        }
        if (jwtOriginalError !== undefined) throw jwtOriginalError
        ctx.body = user?.sub
      })
      const respond = app.callback()
      return servers.serve((request, response) => void respond(request, response))
    }
    const reasons = () => errors.map((error) => error.originalError as unknown as GuardError)

    it('200; 401 with the reason in originalError: revoked, expired, of another issuer, two lines', async () => {
      const origin = await api(guard)
      const jwt = await token({ sub: 'alice' })
      expect((await get(origin, jwt)).text).to.equal('alice')
      const answers = [
        await get(origin, await loggedOut(guard)),
        await get(origin, await token({ exp: nowS(-90) })),
        await get(origin, await token({ iss: 'https://other.test' })),
        await send(origin, {
          headers: ['Host', 'x', ...['', ''].flatMap(() => ['Authorization', `Bearer ${jwt}`])],
        }),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([401, 401, 401, 401])
      expect(reasons().map(({ message, reason }) => [message, reason])).to.deep.equal([
        ['Token revoked', undefined],
        ['token_expired', 'expired'],
        ['invalid_token', 'unknown_issuer'],
        ['invalid_token', 'two_credentials'],
      ])
    })

    it('401 while the guard cannot tell, since koa-jwt knows no other; 503 where the API throws originalError', async () => {
      const jwt = await token()
      expect((await get(await api(stale), jwt)).status).to.equal(401)
      expect(reasons().map(({ name, status }) => [name, status])).to.deep.equal([
        ['GuardError', 503],
      ])
      const unknown = await get(await api(stale, { passthrough: true }), jwt)
      expect([unknown.status, unknown.headers['retry-after']]).to.deep.equal([503, '1'])
    })

    it('checks the token that koa-jwt verified, be it of a cookie', async () => {
      const origin = await api(guard, { cookie: 'token' })
      const [good, revoked] = [await token({ sub: 'alice' }), await loggedOut(guard)]
      expect((await get(origin, revoked, { cookie: `token=${good}` })).text).to.equal('alice')
      expect((await get(origin, good, { cookie: `token=${revoked}` })).status).to.equal(401)
      expect(reasons().map(({ message }) => message)).to.deep.equal(['Token revoked'])
    })
  })
})
