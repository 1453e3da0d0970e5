import { expect } from 'chai'
import {
  fromCookie,
  fromHeader,
  fromProtocol,
  fromQuery,
  type Guard,
  type GuardError,
} from '../../../src/guard.js'
import { createServers, frameworks, type Options } from '../../support/adapters.js'
import { clientsVariable } from '../../support/clients.js'
import { startGuard } from '../../support/guard.js'
import { send } from '../../support/http.js'
import { freePort, until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { nowS, token } from '../../support/tokens.js'

const invalid =
  'Bearer realm="cierre", error="invalid_token", error_description="The access token is malformed, invalid or revoked"'
const [envelope401, envelope403, envelope503] = [
  'Token no proporcionado o inválido',
  'Operación no permitida',
  'Servicio no disponible temporalmente',
].map((message) => ({ success: false, message }))

describe('every adapter, in its framework', () => {
  let service: TestService
  /** A guard that is fresh, and one that never was. */
  let guard: Guard
  let stale: Guard
  const servers = createServers()
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin)
    stale = startGuard(`http://127.0.0.1:${await freePort()}`)
    await guard.ready()
  })
  after(async () => {
    servers.close()
    await guard.close()
    await stale.close()
    await service.stop()
  })

  for (const [name, framework] of Object.entries(frameworks)) {
    /** An API with these options, and how to send a request to it. */
    const api = async (options: Options = {}, by = guard) => {
      let handled = 0
      const origin = await servers.serve(await framework.listen(by, options, () => (handled += 1)))
      return {
        /** With these headers, or the token as a bearer. */
        async get(sent: string | string[] | undefined, path = '/') {
          const headers = typeof sent === 'string' ? ['Authorization', `Bearer ${sent}`] : sent
          const before = handled
          const answer = await send(origin, {
            path,
            headers: ['Host', 'api.test', ...(headers ?? [])],
          })
          expect(handled - before, 'times handled').to.equal(answer.status === 200 ? 1 : 0)
          return answer
        },
      }
    }
    const refusal = ({ status, headers, json }: Awaited<ReturnType<typeof send>>) => [
      status,
      headers['www-authenticate'],
      json,
    ]
    const error = (word: string) => ({ error: word })

    describe(name, () => {
      it('200 with the claims; 401 with RFC 6750’s challenge and JSON: missing, malformed, expired, foreign, twice, revoked', async () => {
        const { get } = await api()
        const jwt = await token({ sub: 'alice' })
        const good = await get(jwt)
        expect([good.status, good.text]).to.deep.equal([200, 'alice'])
        const none = await get(undefined)
        expect(refusal(none)).to.deep.equal([401, 'Bearer realm="cierre"', error('invalid_token')])
        expect(none.headers['content-type']).to.match(/^application\/json(;|$)/)
        const twice = ['Authorization', `Bearer ${jwt}`, 'authorization', `Bearer ${jwt}`]
        for (const bad of ['x', await token({ iss: 'https://other.test' }), twice])
          expect(refusal(await get(bad))).to.deep.equal([401, invalid, error('invalid_token')])
        expect(refusal(await get(await token({ exp: nowS(-90) })))).to.deep.equal([
          401,
          'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
          error('invalid_token'),
        ])
        expect((await service.logout(jwt)).status).to.equal(200)
        await until('it is refused', async () => (await get(jwt)).status === 401)
        expect(refusal(await get(jwt))).to.deep.equal([401, invalid, error('invalid_token')])
      })

      it('503 temporarily_unavailable with Retry-After while the guard cannot tell; a bad token is 401 all the same', async () => {
        const { get } = await api({}, stale)
        const unknown = await get(await token())
        expect(refusal(unknown)).to.deep.equal([503, undefined, error('temporarily_unavailable')])
        expect(unknown.headers['retry-after']).to.equal('1')
        expect((await get('x')).status).to.equal(401)
      })

      it('scopes: 403 insufficient_scope that names all of them, unless the token has them', async () => {
        const { get } = await api({ scopes: ['write', 'admin'] })
        for (const scope of [undefined, 'write', 'write administrator', ['write'], ['write', 7], 7])
          expect(refusal(await get(await token({ scope }))), String(scope)).to.deep.equal([
            403,
            'Bearer realm="cierre", error="insufficient_scope", error_description="The access token lacks a scope", scope="write admin"',
            error('insufficient_scope'),
          ])
        for (const claims of [
          { scope: 'admin read write' },
          { scope: ['admin', 'read', 'write'] },
          { scp: ['write', 'admin'] },
          { scp: 'write admin' },
          { scope: 'write', scp: 'admin' },
        ])
          expect((await get(await token(claims))).status, JSON.stringify(claims)).to.equal(200)
        expect(refusal(await get(undefined))).to.deep.equal([
          401,
          'Bearer realm="cierre"',
          error('invalid_token'),
        ])
      })

      it('optional: 200 without claims where there are no credentials; bad ones are refused', async () => {
        const { get } = await api({ optional: true })
        for (const none of [
          undefined,
          ['Authorization', 'Basic YTpi'],
          ['Authorization', 'Bearer '],
        ])
          expect((await get(none)).text).to.equal('anonymous')
        expect((await get(await token({ sub: 'alice' }))).text).to.equal('alice')
        const jwt = await token()
        const twice = ['Authorization', `Bearer ${jwt}`, 'Authorization', `Bearer ${jwt}`]
        for (const bad of ['x', await token({ exp: nowS(-90) }), twice])
          expect((await get(bad)).status).to.equal(401)
        const unknown = await api({ optional: true }, stale)
        expect((await unknown.get(await token())).status).to.equal(503)
        expect((await unknown.get(undefined)).text).to.equal('anonymous')
      })

      it('getToken: a cookie, a subprotocol, a parameter, the header or else a cookie; two of them are 401', async () => {
        const jwt = await token({ sub: 'alice' })
        const bob = await token({ sub: 'bob' })
        const cookie = await api({ getToken: fromCookie('token') })
        expect((await cookie.get(['Cookie', `a=1; token=${jwt};b=2`])).text).to.equal('alice')
        for (const bad of [
          ['Cookie', `token=${jwt}; token=${jwt}`],
          ['Cookie', `token=${jwt}`, 'Cookie', `token=${bob}`],
          ['Cookie', 'token=x'],
        ])
          expect(refusal(await cookie.get(bad))).to.deep.equal([
            401,
            invalid,
            error('invalid_token'),
          ])
        for (const none of [jwt, ['Cookie', `tokens=${jwt}; Token=${jwt}; token=`], undefined])
          expect(refusal(await cookie.get(none))).to.deep.equal([
            401,
            'Bearer realm="cierre"',
            error('invalid_token'),
          ])
        const protocol = await api({ getToken: fromProtocol('bearer') })
        const header = 'Sec-WebSocket-Protocol'
        expect((await protocol.get([header, `chat, bearer, ${jwt}`])).text).to.equal('alice')
        const query = await api({ getToken: fromQuery('access_token') })
        expect((await query.get(undefined, `/?a=1&access_token=${jwt}`)).text).to.equal('alice')
        expect(
          (await query.get(undefined, `/?access_token=${jwt}&access_token=${jwt}`)).status,
        ).to.equal(401)
        const either = await api({
          getToken: (request: object) => fromHeader()(request) ?? fromCookie('token')(request),
        })
        expect((await either.get(['Cookie', `token=${jwt}`])).text).to.equal('alice')
        expect(
          (await either.get(['Cookie', `token=${jwt}`, 'Authorization', `Bearer ${bob}`])).text,
        ).to.equal('bob')
        expect(
          (await either.get(['Cookie', `token=${jwt}`, 'Authorization', 'Bearer x'])).status,
        ).to.equal(401)
      })

      it('challenge: realm, resource_metadata and scope, quoted as RFC 9110 has it', async () => {
        const { get } = await api({
          scopes: ['write'],
          challenge: {
            realm: 'the "best" \\ API',
            resourceMetadata: 'https://api.test/.well-known/oauth-protected-resource',
            scope: 'read write',
          },
        })
        const realm = 'Bearer realm="the \\"best\\" \\\\ API"'
        const rest =
          'scope="read write", resource_metadata="https://api.test/.well-known/oauth-protected-resource"'
        const challenges = [await get(undefined), await get('x'), await get(await token())].map(
          ({ headers }) => headers['www-authenticate'],
        )
        expect(challenges).to.deep.equal([
          `${realm}, ${rest}`,
          `${invalid.replace('Bearer realm="cierre"', realm)}, ${rest}`,
          `${realm}, error="insufficient_scope", error_description="The access token lacks a scope", ${rest}`,
        ])
      })

      it('language es: the envelope of the service', async () => {
        const { get } = await api({ language: 'es', scopes: ['write'] })
        const unknown = await (await api({ language: 'es' }, stale)).get(await token())
        const answers = [await get(undefined), await get('x'), await get(await token()), unknown]
        expect(answers.map(({ status, json }) => [status, json])).to.deep.equal([
          [401, envelope401],
          [401, envelope401],
          [403, envelope403],
          [503, envelope503],
        ])
      })

      it('onRefused is called in place of the answer; what it or getToken throws is the framework’s 500', async () => {
        const seen: unknown[] = []
        const own = await api({
          challenge: { realm: 'own' },
          onRefused(error: GuardError, request: never, response: never) {
            seen.push([error.code, error.status, error.wwwAuthenticate])
            return framework.ownAnswer(error, request, response)
          },
        })
        const [answer, good] = [await own.get(undefined), await own.get(await token())]
        expect([answer.status, answer.text, good.status]).to.deep.equal([418, 'token_missing', 200])
        expect(seen).to.deep.equal([['token_missing', 401, 'Bearer realm="own"']])
        const fail = () => {
          throw new Error('a fault of the API')
        }
        for (const options of [
          { onRefused: fail },
          { onRefused: async () => fail() },
          { getToken: fail },
          { getToken: async () => fail(), optional: true },
        ])
          expect((await (await api(options)).get(undefined)).status).to.equal(500)
      })
    })
  }
})
