import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { ConfigError, parseConfig } from '../../src/config/config.js'
import { parsePrivateKey } from '../../src/token/private-key.js'
import type { UpstreamClient } from '../../src/token/upstream-options.js'
import { ec, ed25519, hmacSecret, rsa } from '../support/tokens.js'

const endpoint = 'https://issuer.test/revoke'
const pem = ec['ES256']?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() ?? ''
const base = { REDIS_URL: 'memory:', JWT_SECRET: hmacSecret, JWT_ISSUER: 'https://issuer.test' }

const upstreamOf = (
  env: Record<string, string>,
): UpstreamClient | undefined | readonly string[] => {
  try {
    return parseConfig({ ...base, ...env }).issuers[0]?.upstream
  } catch (error) {
    return (error as ConfigError).faults
  }
}

describe('the client that revokes refresh tokens at its issuer', () => {
  it('is public, has a secret, or a private key; JWT_ISSUERS says the same', () => {
    expect(upstreamOf({})).to.equal(undefined)
    const common = { JWT_REVOCATION_ENDPOINT: endpoint, JWT_CLIENT_ID: 'app' }
    const named = { revocationEndpoint: endpoint, clientId: 'app' }
    expect(upstreamOf(common)).to.deep.equal(named)
    expect(upstreamOf({ ...common, JWT_CLIENT_SECRET: 's' })).to.deep.equal({
      ...named,
      clientSecret: 's',
    })
    expect(upstreamOf({ ...common, JWT_CLIENT_PRIVATE_KEY: pem }))
      .to.have.nested.property('clientPrivateKey.alg')
      .that.equals('ES256')
    const entry = { issuer: 'https://issuer.test', secret: hmacSecret, ...named }
    const config = parseConfig({
      REDIS_URL: 'memory:',
      JWT_ISSUERS: JSON.stringify([
        { ...entry, clientPrivateKey: rsa.privateKey.export({ format: 'jwk' }) },
      ]),
    })
    expect(config.issuers[0]?.upstream)
      .to.have.nested.property('clientPrivateKey.alg')
      .that.equals('RS256')
  })

  it('needs no endpoint where the metadata of the issuer is fetched', () => {
    const { JWT_SECRET, ...rest } = base
    expect(JWT_SECRET).to.equal(hmacSecret)
    const env = { ...rest, JWT_DISCOVERY: 'true', JWT_CLIENT_ID: 'app' }
    expect(parseConfig(env).issuers[0]?.upstream).to.deep.equal({ clientId: 'app' })
    expect(upstreamOf({ JWT_DISCOVERY: 'true', JWT_CLIENT_SECRET: 's' })).to.deep.equal([
      'JWT_CLIENT_SECRET needs a client id',
    ])
  })

  it('is told what is missing, and what does not go together', () => {
    const common = { JWT_REVOCATION_ENDPOINT: endpoint, JWT_CLIENT_ID: 'app' }
    const cases: [Record<string, string>, string[]][] = [
      [{ JWT_REVOCATION_ENDPOINT: endpoint }, ['JWT_REVOCATION_ENDPOINT needs a client id']],
      [
        { JWT_CLIENT_ID: 'app' },
        ['JWT_CLIENT_ID needs a revocation endpoint, or discovery, which finds it'],
      ],
      [
        { ...common, JWT_CLIENT_SECRET: 's', JWT_CLIENT_PRIVATE_KEY: pem },
        ['JWT_CLIENT_PRIVATE_KEY stands instead of a client secret, not beside'],
      ],
      [
        { ...common, JWT_CLIENT_PRIVATE_KEY: pem, JWT_ISSUER: '' },
        ['JWT_CLIENT_PRIVATE_KEY needs an issuer, which its assertions are for'],
      ],
      [
        { ...common, JWT_CLIENT_PRIVATE_KEY: 'no key' },
        ['JWT_CLIENT_PRIVATE_KEY must be a private key as PEM or JWK, without a passphrase'],
      ],
    ]
    for (const [env, faults] of cases) expect(upstreamOf(env)).to.deep.equal(faults)
  })

  it('tokens are sent over https, or over http in a private network alone', () => {
    const isTaken = (url: string) =>
      !Array.isArray(upstreamOf({ JWT_REVOCATION_ENDPOINT: url, JWT_CLIENT_ID: 'app' }))
    for (const url of [
      endpoint,
      'http://127.0.0.1:8080/revoke',
      'http://[::1]/revoke',
      'http://10.1.2.3/revoke',
      'http://[fd00::1]/revoke',
      'http://keycloak:8080/revoke',
      'http://keycloak.auth.svc.cluster.local/revoke',
      'https://issuer.test/revoke?tenant=1',
    ])
      expect(isTaken(url), url).to.equal(true)
    for (const url of [
      'issuer.test/revoke',
      'ftp://issuer.test/revoke',
      'http://issuer.test/revoke',
      'http://8.8.8.8/revoke',
      'http://[2001:db8::1]/revoke',
      'ftp://10.1.2.3/revoke',
      'https://user:password@issuer.test/revoke',
      'https://user@issuer.test/revoke',
      'https://:password@issuer.test/revoke',
      'https://issuer.test/revoke#fragment',
    ])
      expect(isTaken(url), url).to.equal(false)
  })

  it('private keys are read from PEM and JWK; weak, public and encrypted ones are refused, and never quoted', () => {
    for (const [key, alg] of [
      [rsa.privateKey, 'RS256'],
      [ec['ES384']?.privateKey ?? rsa.privateKey, 'ES384'],
      [ed25519.privateKey, 'EdDSA'],
    ] as const) {
      const text = key.export({ type: 'pkcs8', format: 'pem' }).toString()
      const jwk = { ...key.export({ format: 'jwk' }), kid: 'one', use: 'sig' }
      for (const written of [text, text.replaceAll('\n', '\\n'), JSON.stringify(jwk)])
        expect(parsePrivateKey(written).alg).to.equal(alg)
      expect(parsePrivateKey(JSON.stringify(jwk)).kid).to.equal('one')
    }
    const other = { ...rsa.privateKey.export({ format: 'jwk' }), alg: 'PS256' }
    expect(parsePrivateKey(JSON.stringify(other)).alg).to.equal('PS256')
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const encrypted = rsa.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-128-cbc',
      passphrase: 'secret',
    })
    for (const wrong of [
      'secret',
      '{"kty":"RSA","n":"secret"}',
      weak.export({ type: 'pkcs8', format: 'pem' }).toString(),
      rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      JSON.stringify(rsa.publicKey.export({ format: 'jwk' })),
      encrypted.toString(),
    ])
      expect(() => parsePrivateKey(wrong))
        .to.throw(Error)
        .with.property('message')
        .that.matches(/^(must be a private key|holds an RSA key under)/)
  })
})
