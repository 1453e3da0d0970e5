import { expect } from 'chai'
import { agentVariables } from '../../src/config/agent-variables.js'
import { unknownVariables } from '../../src/config/unknown-variables.js'
import type { Variable } from '../../src/config/variable.js'
import { variables } from '../../src/config/variables.js'
import { startAgent } from '../support/agent.js'
import { clientsVariable } from '../support/clients.js'
import { startInstance } from '../support/instance.js'
import { freePort } from '../support/processes.js'
import { hmacSecret } from '../support/tokens.js'

const namesOf = (...names: string[]) =>
  unknownVariables(Object.fromEntries(names.map((name) => [name, 'x']))).map(({ name }) => name)

describe('unknown variables', () => {
  it('with a prefix of cierre are named, with the nearest known name if one is near', () => {
    expect(
      unknownVariables({
        JWT_JWKS_URL: 'https://a.test',
        JWT_SECRETS: 'x',
        JWT_AUDIENCES: 'x',
        REDIS_PASSWORD: 'x',
        REDIS_PORT: '6379',
        AUDIT_MAX_AGE: '5',
        CORS_ORIGIN: 'x',
        MAX_CLOCK_SKEW: '5',
        TLS_CERT: '/etc/tls.pem',
        TRUST_PROXIES: 'x',
        RATE_LIMIT_ADRESS: '1/1',
      }).map(({ name, nearest }) => `${name} ${nearest}`),
    ).to.deep.equal([
      'JWT_JWKS_URL JWT_JWKS_URI',
      'JWT_SECRETS JWT_SECRET',
      'JWT_AUDIENCES JWT_AUDIENCE',
      'REDIS_PASSWORD undefined',
      'REDIS_PORT REDIS_URL',
      'AUDIT_MAX_AGE AUDIT_MAX_AGE_DAYS',
      'CORS_ORIGIN CORS_ORIGINS',
      'MAX_CLOCK_SKEW MAX_CLOCK_SKEW_S',
      'TLS_CERT TLS_CERT_FILE',
      'TRUST_PROXIES TRUST_PROXY',
      'RATE_LIMIT_ADRESS RATE_LIMIT_ADDRESS',
    ])
  })

  it('of other programs are not: an own name, an empty value, what Kubernetes adds', () => {
    expect(
      namesOf('PATH', 'NODE_OPTIONS', 'PUBLIC_KEY', 'LOG_LEVELS', 'MAX_UPLOAD_MB', 'TLS_X'),
    ).to.deep.equal([])
    expect(
      unknownVariables({
        REDIS_PORT: 'tcp://10.0.0.1:6379',
        REDIS_SERVICE_HOST: '10.0.0.1',
        REDIS_SERVICE_PORT: '6379',
        REDIS_SERVICE_PORT_TCP: '6379',
        REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
        REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
        JWT_SECRETS: '',
      }),
    ).to.deep.equal([])
  })

  it('are none of those that the service or the agent reads, nor their _FILE', () => {
    const all: [string, Variable][] = Object.entries({ ...variables, ...agentVariables })
    expect(
      namesOf(...all.flatMap(([name, { orFile }]) => (orFile ? [name, `${name}_FILE`] : [name]))),
    ).to.deep.equal([])
  })

  it('are warned of at the start of the service and of the agent, as memory: in production is', async () => {
    const instance = await startInstance(await freePort(), {
      NODE_ENV: 'production',
      REDIS_URL: 'memory:',
      JWT_SECRET: hmacSecret,
      JWT_AUDIENCES: 'api',
      CLIENTS: clientsVariable,
    })
    const agent = await startAgent(instance.origin, { JWT_AUDIENCES: 'api' })
    const warning = 'a variable is not known: JWT_AUDIENCES; did you mean JWT_AUDIENCE?'
    try {
      expect(instance.output.out).to.include(warning)
      expect(instance.output.out).to.include('REDIS_URL is memory: in production')
      expect(agent.output.out).to.include(warning)
    } finally {
      await agent.stop()
      await instance.kill()
    }
  }).timeout(60_000)
})
