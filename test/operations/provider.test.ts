import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { plant } from '../support/leaks.js'
import { createBrowser, fieldsOf, pkce } from '../support/login.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { verify } from '../support/asking.js'

const resource = 'https://api.test'
const callback = 'http://app.test/callback'

describe('a real provider whose end-session flow reaches cierre by back-channel logout', () => {
  let redis: TestRedis
  let server: Server
  let origin: string
  let service: TestService
  let handle: ReturnType<Provider['callback']> | undefined

  before(async () => {
    redis = await startRedis()
    // Provider and service must know each other's addresses, and the service fetches the keys at once.
    server = createServer(
      (request, response) =>
        void (handle === undefined ? response.writeHead(503).end() : handle(request, response)),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    service = await startService({
      REDIS_URL: redis.url,
      JWT_JWKS_URI: `${origin}/jwks`,
      JWT_ISSUER: origin,
      JWT_AUDIENCE: resource,
      JWT_TYP: 'at+jwt',
      JWT_BACKCHANNEL_AUDIENCE: 'app',
    })
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const provider = new Provider(origin, {
      clients: [
        {
          client_id: 'app',
          client_secret: 'the-secret-of-the-app',
          redirect_uris: [callback],
          grant_types: ['authorization_code'],
          response_types: ['code'],
          backchannel_logout_uri: `${service.origin}/api/v1/auth/backchannel-logout`,
          backchannel_logout_session_required: true,
        },
      ],
      jwks: {
        keys: [
          { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'signing' } as never,
        ],
      },
      features: {
        backchannelLogout: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: 'read',
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 300,
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
      // The provider would refuse to call a receiver on a loopback address.
      fetch: (url: string | URL | Request, options: object) =>
        fetch(url, { ...options, dispatcher: undefined } as never),
    } as never)
    handle = provider.callback()
  })
  after(async () => {
    await service.stop()
    server.closeAllConnections()
    server.close()
    await redis.stop()
  })

  async function login() {
    const browser = createBrowser(origin)
    const { verifier, challenge } = pkce()
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid read',
      resource,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
    let page = await browser.visit(`/auth?${query.toString()}`)
    for (const answers of [{ login: 'alice', password: 'x' }, {}]) {
      const { action, hidden } = fieldsOf(page.text)
      page = await browser.visit(action, { ...hidden, ...answers })
    }
    const code = new URL(page.url).searchParams.get('code') ?? ''
    const response = await fetch(`${origin}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('app:the-secret-of-the-app').toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: callback,
        code_verifier: verifier,
        resource,
      }),
    })
    const tokens = (await response.json()) as { access_token: string; id_token: string }
    return { browser, accessToken: plant(tokens.access_token), idToken: plant(tokens.id_token) }
  }

  it('200 at /verify, and 401 after the user has logged out at the provider', async () => {
    const { browser, accessToken, idToken } = await login()
    await until(
      'the token is accepted',
      async () => (await verify(service, accessToken)).status === 200,
    )
    const confirmation = await browser.visit(`/session/end?id_token_hint=${idToken}`)
    const { action, hidden } = fieldsOf(confirmation.text)
    await browser.visit(action, { ...hidden, logout: 'yes' })
    await until(
      'the token is refused',
      async () => (await verify(service, accessToken)).status === 401,
    )
    const event = service.audited().find(({ reason }) => reason === 'backchannel_logout')
    expect(event).to.include({ event: 'authn_token_revoked', outcome: 'success', subject: 'alice' })
  })
})
