import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { makeCertificates } from '../../support/certificates.js'
import { plant } from '../../support/leaks.js'
import { until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { token } from '../../support/tokens.js'
import { startCluster, startSentinels, type TestTopology } from '../../support/topologies.js'

const operating = readFileSync(new URL('../../../OPERATING.md', import.meta.url), 'utf8')
/** The ACL rules that a part of OPERATING.md lists. */
function rulesIn(part: RegExp): string[] {
  const [text = ''] = part.exec(operating) ?? []
  return [...text.matchAll(/`([+~][^`]+)`/g)].flatMap(([, rules = '']) => rules.split(/\s+/))
}

const secrets = {
  admin: 'administrator-of-every-server',
  nodes: 'password-of-the-nodes,with-a-comma-and@',
  sentinels: 'password-of-the-sentinels',
  wrong: 'another-password-than-that',
}
for (const secret of Object.values(secrets)) plant(secret)

const certificates = makeCertificates()
const { file } = certificates
const nodeRules = [...rulesIn(/That user needs[^)]+\)/), '~sess:*']
const ofNodes = [
  ...['--requirepass', secrets.admin, '--masterauth', secrets.admin],
  ...['--user', 'cierre', 'on', `>${secrets.nodes}`, ...nodeRules],
]
const ofSentinels = [
  `requirepass ${secrets.admin}`,
  `sentinel auth-pass main ${secrets.admin}`,
  `user cierre on >${secrets.sentinels} ${rulesIn(/The user at the sentinels needs[^.]+\./).join(' ')}`,
]
const asUser = (url: string, password: string) =>
  url.replace('//', `//cierre:${encodeURIComponent(password)}@`)

type Secured = Readonly<{
  start(): Promise<TestTopology>
  /** By which the service reaches the servers. */
  env(url: string): Record<string, string>
  /** What is wrong, the variables by which it is, and what the log says. */
  refusals(url: string): [what: string, env: Record<string, string>, cause: RegExp][]
}>

const sentinelUser = {
  REDIS_SENTINEL_USER: 'cierre',
  REDIS_SENTINEL_PASSWORD: secrets.sentinels,
}
const clientFiles = () => ({
  REDIS_CA_FILE: file('authority.pem'),
  REDIS_CERT_FILE: file('client.pem'),
  REDIS_KEY_FILE: file('client.key'),
})
const tls = () => ({
  ca: file('authority.pem'),
  cert: file('server.pem'),
  key: file('server.key'),
})
const unknownAuthority = /self-signed certificate|unable to/

const kinds: Record<string, Secured> = {
  'sentinels over TLS that demand client certificates, with users': {
    start: () => startSentinels({ nodes: ofNodes, sentinels: ofSentinels, tls: tls() }),
    env: (url) => ({
      REDIS_URL: asUser(url, secrets.nodes),
      ...sentinelUser,
      ...clientFiles(),
    }),
    refusals: (url) => [
      ['the password of the nodes', { REDIS_URL: asUser(url, secrets.wrong) }, /WRONGPASS/],
      ['no password of the nodes', { REDIS_URL: url }, /NOAUTH/],
      ['the password of the sentinels', { REDIS_SENTINEL_PASSWORD: secrets.wrong }, /WRONGPASS/],
      [
        'no password of the sentinels',
        { REDIS_SENTINEL_PASSWORD: '', REDIS_SENTINEL_USER: '' },
        /NOAUTH/,
      ],
      ['the authority', { REDIS_CA_FILE: file('stranger.pem') }, unknownAuthority],
      [
        'no client certificate',
        { REDIS_CERT_FILE: '', REDIS_KEY_FILE: '' },
        /certificate required/,
      ],
    ],
  },
  'a cluster over TLS, with users': {
    start: () => startCluster({ nodes: [...ofNodes, '--tls-auth-clients', 'no'], tls: tls() }),
    env: (url) => ({
      REDIS_URL: asUser(url, secrets.nodes),
      REDIS_CA_FILE: file('authority.pem'),
    }),
    refusals: (url) => [
      ['the password', { REDIS_URL: asUser(url, secrets.wrong) }, /WRONGPASS/],
      ['no password', { REDIS_URL: url }, /NOAUTH/],
      ['the authority', { REDIS_CA_FILE: file('stranger.pem') }, unknownAuthority],
    ],
  },
  'sentinels without TLS that demand a password alone': {
    start: () =>
      startSentinels({
        nodes: ['--requirepass', secrets.admin, '--masterauth', secrets.admin],
        sentinels: [`requirepass ${secrets.sentinels}`, `sentinel auth-pass main ${secrets.admin}`],
      }),
    env: (url) => ({
      REDIS_URL: url.replace('//', `//:${secrets.admin}@`),
      REDIS_SENTINEL_PASSWORD: secrets.sentinels,
    }),
    refusals: (url) => [
      [
        'the password of the nodes',
        { REDIS_URL: url.replace('//', `//:${secrets.wrong}@`) },
        /WRONGPASS/,
      ],
      ['the password of the sentinels', { REDIS_SENTINEL_PASSWORD: secrets.wrong }, /WRONGPASS/],
    ],
  },
}

describe('servers that demand passwords', () => {
  before(() => {
    certificates.certify('authority')
    for (const name of ['server', 'client']) certificates.certify(name, 'authority')
    certificates.certify('stranger')
  })
  after(certificates.remove)

  for (const [name, kind] of Object.entries(kinds))
    describe(name, function () {
      this.timeout(300_000)
      let topology: TestTopology
      const services: TestService[] = []
      before(async () => {
        topology = await kind.start()
      })
      afterEach(async () => {
        for (const service of services.splice(0)) await service.stop()
      })
      after(() => topology.stop())

      const open = async (env: Record<string, string> = {}) => {
        const settings = { REDIS_MIN_REPLICAS: '1', SESSION_KEYS: 'sess:{sid}' }
        const service = await startService(
          { ...settings, ...kind.env(topology.url), ...env },
          { waitForStore: false },
        )
        services.push(service)
        return service
      }

      it('200, and after a failover too; 401 for what was revoked; each connection is to the port of the URL', async () => {
        const service = await open()
        await until('ready', () => service.isReady())
        const [first, second] = [await token(), await token()]
        expect((await service.logout(first)).status).to.equal(200)
        const ports = new Set(topology.nodes.map(({ peerPort }) => `${peerPort}`))
        const connections = await topology.connections()
        expect(connections.length).to.be.above(0)
        for (const line of connections)
          expect(ports).to.include(/ laddr=127\.0\.0\.1:(\d+) /.exec(line)?.[1])
        await topology.failOver()
        // A logout whose 500 was stored all the same is answered with a 401 when it is repeated.
        await until('it is revoked', async () =>
          [200, 401].includes((await service.logout(second)).status),
        )
        for (const jwt of [first, second])
          await until('401', async () => (await service.logout(jwt)).status === 401)
      })

      it('500, not ready and a log line that says why, with what is wrong in turn', async () => {
        for (const [what, env, cause] of kind.refusals(topology.url)) {
          const service = await open(env)
          await service.firstAttempts()
          const isLogged = (line: Record<string, unknown>) =>
            /^cannot reach (Redis|a sentinel)$/.test(String(line['msg'])) &&
            cause.test(String(line['cause']))
          await until(`${what}: it is logged`, () => service.logged().some(isLogged))
          expect(await service.isReady(), what).to.equal(false)
          expect((await service.logout(await token())).status, what).to.equal(500)
          expect(service.logged().map(({ msg }) => msg)).not.to.include('redis connected')
          for (const secret of Object.values(secrets))
            expect(JSON.stringify(service.logged())).not.to.include(secret)
        }
      })
    })
})
