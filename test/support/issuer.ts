import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider, { type Configuration } from 'oidc-provider'
import { plant } from './leaks.js'

const resource = 'https://api.test'
const client = {
  client_id: 'app',
  client_secret: 'the-secret-of-the-app',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [] as never[],
}
/** A client that sends its secret in the form. */
const formClient = {
  ...client,
  client_id: 'api',
  client_secret: 'the-secret-of-this-client',
  token_endpoint_auth_method: 'client_secret_post' as const,
}

async function signingKeys(kids: ReadonlyMap<string, string>): Promise<JWK[]> {
  const pairs = await Promise.all(
    (['RS256', 'ES256', 'EdDSA', 'PS256'] as const).map((alg) =>
      generateKeyPair(alg, { extractable: true }),
    ),
  )
  const keys = await Promise.all(pairs.map(({ privateKey }) => exportJWK(privateKey)))
  return (['RS256', 'ES256', 'EdDSA', 'PS256'] as const).map((alg, at) => ({
    ...keys[at],
    alg,
    use: 'sig',
    kid: kids.get(alg) ?? `${alg}-${randomUUID()}`,
  }))
}

const configurationOf = (keys: JWK[], algorithm: () => string): Configuration => ({
  clients: [client, formClient],
  jwks: { keys },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: algorithm() as 'RS256' } },
      }),
    },
  },
})

/** A real OpenID provider on its own port, which issues JWT access tokens by client credentials. */
export async function startIssuer() {
  const server: Server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let handle: ReturnType<Provider['callback']>
  let algorithm = 'RS256'
  let down = false
  let empty = false
  let jwksRequests = 0
  const kids = new Map<string, string>()
  const rotate = async ({ keepsKids = false } = {}) => {
    if (!keepsKids) kids.clear()
    const keys = await signingKeys(kids)
    for (const { alg, kid } of keys) kids.set(String(alg), String(kid))
    const configuration = configurationOf(keys, () => algorithm)
    const serve = new Provider(origin, configuration).callback()
    handle = (request, response) => {
      if (request.url === '/jwks') jwksRequests += 1
      if (empty && request.url === '/jwks')
        return Promise.resolve(
          void response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"keys":[]}'),
        )
      if (down) return Promise.resolve(void request.socket.destroy())
      return serve(request, response)
    }
  }
  await rotate()
  return {
    origin,
    resource,
    jwksUri: `${origin}/jwks`,
    jwksRequests: () => jwksRequests,
    /** Replaces the keys by new ones, with `keepsKids` under the same `kid`s. */
    rotate,
    /** Whether the key set is empty. */
    setEmpty: (value: boolean) => void (empty = value),
    setDown: (value: boolean) => void (down = value),
    async accessToken(alg: string): Promise<string> {
      algorithm = alg
      const response = await fetch(`${origin}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read', resource }),
      })
      const { access_token: jwt } = (await response.json()) as { access_token: string }
      return plant(jwt)
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
