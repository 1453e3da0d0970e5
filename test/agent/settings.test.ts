import { expect } from 'chai'
import { readAgentSettings } from '../../src/agent/settings.js'
import { ConfigError } from '../../src/config/config.js'
import { publicJwk } from '../support/assertions.js'

const secret = 's'.repeat(32)
const enough = {
  JWT_SECRET: secret,
  CIERRE_CLIENT_ID: 'api',
  CIERRE_CLIENT_SECRET: 'a secret',
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readAgentSettings(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('the settings of the agent', () => {
  it('have defaults: port 3001 on loopback, every request is a check, no admin port', () => {
    const { checks, prefix, admin, guard, authClaims } = readAgentSettings(enough)
    expect(checks).to.deep.equal({ host: '127.0.0.1', port: 3001, socket: undefined })
    expect([prefix, admin, authClaims]).to.deep.equal([undefined, undefined, []])
    expect(guard).to.include({ maxStalenessMs: 5_000, maxClockSkewS: 60 })
    expect(guard.issuers[0]).to.include({ cutoffClaim: 'iat', subjectClaim: 'sub' })
    expect(guard.feed.url).to.equal('http://127.0.0.1:3000')
  })

  it('with a socket there is a port only if it is set', () => {
    const portOf = (env: Record<string, string>) =>
      readAgentSettings({ ...enough, AGENT_SOCKET: '/run/cierre.sock', ...env }).checks.port
    expect([portOf({}), portOf({ AGENT_PORT: '3001' })]).to.deep.equal([undefined, 3001])
  })

  it('take the JWT_ISSUERS of the service, with the members that concern the service alone', () => {
    const { guard } = readAgentSettings({
      CIERRE_CLIENT_ID: 'api',
      CIERRE_CLIENT_SECRET: 'a secret',
      JWT_ISSUERS: JSON.stringify([
        {
          issuer: 'https://a.test',
          secret,
          sessionKeys: ['sess:{sid}'],
          backchannelAudience: 'app',
        },
        { issuer: 'https://b.test', secret, audience: ['x', 'y'], sessionMaxLifetimeS: 60 },
      ]),
    })
    expect(guard.issuers.map(({ issuer }) => issuer)).to.deep.equal([
      'https://a.test',
      'https://b.test',
    ])
  })

  it('take a private key in the place of a secret; a client with keys cannot authenticate at the agent', () => {
    const env = { JWT_SECRET: secret, CIERRE_CLIENT_ID: 'api' }
    expect(faultsOf({ ...env, CIERRE_CLIENT_KEY_FILE: '/nowhere' })).to.deep.equal([
      'CIERRE_CLIENT_KEY_FILE names a file that cannot be read (ENOENT)',
      'CIERRE_CLIENT_SECRET must be set',
    ])
    expect(faultsOf({ ...env, CIERRE_CLIENT_KEY_FILE: '/etc/hostname' })).to.deep.equal([
      'CIERRE_CLIENT_KEY_FILE must be a private key as PEM or JWK, without a passphrase',
    ])
    const clients = [{ id: 'a', jwks: publicJwk('ec'), allow: ['introspect'] }]
    expect(faultsOf({ ...enough, CLIENTS: JSON.stringify(clients) })).to.deep.equal([
      'CLIENTS has a client with jwks or jwksUri, which can authenticate at the service alone',
    ])
  })

  it('are refused with every fault at once, and no fault quotes a secret', () => {
    expect(faultsOf({})).to.deep.equal([
      'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_ISSUERS must be set: without a key nothing can be verified',
      'CIERRE_CLIENT_ID must be set',
      'CIERRE_CLIENT_SECRET must be set',
    ])
    const faults = faultsOf({
      ...enough,
      CIERRE_URL: 'http://cierre.example.com',
      AGENT_PORT: 'many',
      AGENT_PREFIX: 'orders/',
      AGENT_ADMIN_HOST: '0.0.0.0',
      MAX_STALENESS_MS: '5',
    })
    for (const name of ['CIERRE_URL', 'AGENT_PORT', 'AGENT_PREFIX', 'AGENT_ADMIN_HOST', 'MAX_STA'])
      expect(faults.join('\n')).to.include(name)
    expect(faults.join('\n')).not.to.include(enough.CIERRE_CLIENT_SECRET)
  })

  for (const prefix of ['/', '/a/', 'a', '/a?b', '/a#b', '/a b', ''])
    it(`AGENT_PREFIX "${prefix}" is ${prefix === '' ? 'not set' : 'refused'}`, () => {
      expect(faultsOf({ ...enough, AGENT_PREFIX: prefix })).to.have.length(prefix === '' ? 0 : 1)
    })

  it('CIERRE_INSECURE takes http: in a private network, and nowhere else', () => {
    const faults = (url: string, insecure: string) =>
      faultsOf({ ...enough, CIERRE_URL: url, CIERRE_INSECURE: insecure })
    for (const url of ['http://cierre:3000', 'http://10.1.2.3:3000', 'http://[fd00::1]'])
      expect([faults(url, 'true'), faults(url, 'false').length], url).to.deep.equal([[], 1])
    expect(faults('http://192.0.2.1', 'true')).to.deep.equal([
      'CIERRE_URL must be an origin: https://…, or http:// in a private network',
    ])
  })

  it('AGENT_SOCKET is refused when it is longer than the path of a socket can be', () => {
    const faults = (bytes: number) =>
      faultsOf({ ...enough, AGENT_SOCKET: `/${'é'.repeat((bytes - 1) / 2)}` })
    expect(faults(103)).to.deep.equal([])
    expect(faults(105)).to.have.length(1)
    expect(faults(105)[0]).to.match(/^AGENT_SOCKET must have at most 103 bytes/)
  })
})
