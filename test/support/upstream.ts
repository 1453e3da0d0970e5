import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import Provider from 'oidc-provider'
import { plant } from './leaks.js'
import { createBrowser, fieldsOf, pkce } from './login.js'

const resource = 'https://api.test'
const callback = 'http://app.test/callback'
const clientSecret = plant('the-secret-of-the-app')

/** What the revocation endpoint does: it works, or answers a status, or never, or is not there. */
export type Mode = 'works' | 'hangs' | 'down' | number

const clientOf = (client_id: string, more: object) => ({
  client_id,
  redirect_uris: [callback],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  ...more,
})

async function keyPair(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return {
    private: { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' },
    public: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
  }
}

const resourceServer = {
  scope: 'read',
  audience: resource,
  accessTokenFormat: 'jwt',
  accessTokenTTL: 300,
  jwt: { sign: { alg: 'ES256' } },
}

const configurationOf = (signing: object, clientKey: object) => ({
  clients: [
    clientOf('confidential', {
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: clientSecret,
    }),
    clientOf('public', { token_endpoint_auth_method: 'none' }),
    clientOf('signed', {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [clientKey] },
    }),
  ],
  jwks: { keys: [signing] },
  rotateRefreshToken: false,
  issueRefreshToken: () => true,
  features: {
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
})

export type ClientName = 'public' | 'confidential' | 'signed'

/** How each client authenticates itself in a form. */
const authenticationOf: Record<
  ClientName,
  (origin: string, key: JWK) => Promise<Record<string, string>>
> = {
  public: async () => ({}),
  confidential: async () => ({ client_secret: clientSecret }),
  signed: async (origin, key) => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('signed')
      .setSubject('signed')
      .setAudience(origin)
      .setJti(randomUUID())
      .setExpirationTime('1m')
      .sign(key),
  }),
}

/** The revocation endpoint while it does not work. */
function createFailingEndpoint() {
  const received: { form: URLSearchParams; authorization: string | undefined }[] = []
  const state: { mode: Mode } = { mode: 'works' }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (state.mode === 'down') return void request.socket.destroy()
    const form = new URLSearchParams(await text(request))
    received.push({ form, authorization: request.headers.authorization })
    if (state.mode !== 'hangs')
      response.writeHead(Number(state.mode), { location: '/elsewhere' }).end('{}')
  }
  return { received, state, handle }
}

/** A real OpenID provider with refresh tokens, whose revocation endpoint can be made to fail. */
export async function startUpstream() {
  const endpoint = createFailingEndpoint()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [signing, clientKey] = [await keyPair('signing'), await keyPair('client')]
  const provider = new Provider(origin, configurationOf(signing.private, clientKey.public) as never)
  const serve = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const isFailing = request.url === '/token/revocation' && endpoint.state.mode !== 'works'
    void (isFailing ? endpoint.handle(request, response) : serve(request, response))
  })
  const requestTokens = async (client: ClientName, form: Record<string, string>) => {
    const authentication = await authenticationOf[client](origin, clientKey.private)
    const response = await fetch(`${origin}/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client, resource, ...authentication, ...form }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  return {
    origin,
    clientKey: clientKey.private,
    clientSecret,
    /** The variables of a service for this provider. */
    variables: {
      JWT_JWKS_URI: `${origin}/jwks`,
      JWT_ISSUER: origin,
      JWT_AUDIENCE: resource,
      JWT_REVOCATION_ENDPOINT: `${origin}/token/revocation`,
    },
    setMode: (mode: Mode) => void (endpoint.state.mode = mode),
    received: endpoint.received,
    /** Logs a user in at one of the clients. */
    async login(client: ClientName = 'public') {
      const tokens = await requestTokens(client, await authorizationCode(origin, client))
      return {
        accessToken: plant(tokens.body['access_token'] ?? ''),
        refreshToken: plant(tokens.body['refresh_token'] ?? ''),
      }
    },
    /** The status with which the provider answers a request for a new access token. */
    async refresh(refreshToken: string, client: ClientName = 'public') {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
      return (await requestTokens(client, form)).status
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type Upstream = Awaited<ReturnType<typeof startUpstream>>

async function authorizationCode(
  origin: string,
  client: ClientName,
): Promise<Record<string, string>> {
  const browser = createBrowser(origin)
  const { verifier, challenge } = pkce()
  const query = new URLSearchParams({
    client_id: client,
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
  return {
    grant_type: 'authorization_code',
    code: new URL(page.url).searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: verifier,
  }
}
