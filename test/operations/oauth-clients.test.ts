import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { expect } from 'chai'
import { importPKCS8 } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { privatePem, publicJwk } from '../support/assertions.js'
import { clients, secretOf } from '../support/clients.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('unmodified OAuth clients', () => {
  let service: TestService
  let origin: string
  // The service names itself in its metadata, so its port must be known before it starts.
  const front = createServer((near) => {
    const far = connect(Number(new URL(service.origin).port), '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const socket of [near, far])
      socket.on('error', () => [near, far].forEach((one) => one.destroy()))
  })

  before(async () => {
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
    const CLIENTS = JSON.stringify([
      ...clients,
      { id: 'signed', jwks: publicJwk('ec'), allow: ['introspect', 'revoke'] },
    ])
    service = await startService({ CLIENTS, PUBLIC_URL: origin })
  })
  after(async () => {
    front.close()
    await service.stop()
  })

  it('openid-client discovers, introspects and revokes', async () => {
    const configuration = await openid.discovery(
      new URL(origin),
      'all',
      secretOf('all'),
      openid.ClientSecretBasic(secretOf('all')),
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    )
    const jwt = await token({ sub: 'by-openid-client' })
    expect(await openid.tokenIntrospection(configuration, jwt)).to.include({
      active: true,
      sub: 'by-openid-client',
    })
    await openid.tokenRevocation(configuration, jwt)
    expect(await openid.tokenIntrospection(configuration, jwt)).to.deep.equal({ active: false })
  })

  it('oauth4webapi discovers, introspects and revokes, with client_secret_post', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const server = await oauth.processDiscoveryResponse(
      new URL(origin),
      await oauth.discoveryRequest(new URL(origin), { algorithm: 'oauth2', ...insecure }),
    )
    expect(server.introspection_endpoint).to.equal(`${origin}/oauth/introspect`)
    const client = { client_id: 'all' }
    const authentication = oauth.ClientSecretPost(secretOf('all'))
    const jwt = await token({ sub: 'by-oauth4webapi' })
    const introspection = async () =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, authentication, jwt, insecure),
      )
    expect(await introspection()).to.include({ active: true, sub: 'by-oauth4webapi' })
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, jwt, insecure),
    )
    expect(await introspection()).to.deep.equal({ active: false })
    const wrong = await oauth.revocationRequest(
      server,
      client,
      oauth.ClientSecretPost('wrong'),
      jwt,
      insecure,
    )
    const failure = await oauth.processRevocationResponse(wrong).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(oauth.WWWAuthenticateChallengeError)
  })

  const signingKey = async () => ({ key: await importPKCS8(privatePem('ec'), 'ES256'), kid: 'ec' })

  it('openid-client introspects and revokes with private_key_jwt', async () => {
    const configuration = await openid.discovery(
      new URL(origin),
      'signed',
      undefined,
      openid.PrivateKeyJwt(await signingKey()),
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    )
    const jwt = await token({ sub: 'by-openid-client' })
    expect(await openid.tokenIntrospection(configuration, jwt)).to.include({ active: true })
    await openid.tokenRevocation(configuration, jwt)
    expect(await openid.tokenIntrospection(configuration, jwt)).to.deep.equal({ active: false })
  })

  it('oauth4webapi introspects and revokes with private_key_jwt', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const server = await oauth.processDiscoveryResponse(
      new URL(origin),
      await oauth.discoveryRequest(new URL(origin), { algorithm: 'oauth2', ...insecure }),
    )
    const client = { client_id: 'signed' }
    const authentication = oauth.PrivateKeyJwt(await signingKey())
    const jwt = await token({ sub: 'by-oauth4webapi' })
    const introspection = async () =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, authentication, jwt, insecure),
      )
    expect(await introspection()).to.include({ active: true })
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, jwt, insecure),
    )
    expect(await introspection()).to.deep.equal({ active: false })
  })
})
