import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import { parse } from 'yaml'
import { sendOver, startAgent, type TestAgent } from '../support/agent.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { serveApp, type TestApp } from '../support/embedded.js'
import { send } from '../support/http.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { rsa, token } from '../support/tokens.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const recipe = (file: string) => readFileSync(join(root, 'scripts/examples', file), 'utf8')
const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })

/** Lines of code: without blank lines, comments, the package's name and imports. */
const linesOfCode = (text: string) =>
  text
    .replace(/^import \([^)]*\)$/m, '')
    .split('\n')
    .filter((line) => !/^\s*(?:$|#|\/\/|package |import |from )/.test(line)).length

describe('the recipes for the agent, against the built package', () => {
  let service: TestService
  let issuer: TestApp
  let dir: string
  const socket = () => join(dir, 'agent.sock')
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'cierre-recipes-'))
    const jwk = { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }
    issuer = await serveApp((_request, response) => response.end(JSON.stringify({ keys: [jwk] })))
    service = await startService({
      CLIENTS: clientsVariable,
      JWT_JWKS_URI: `${issuer.origin}/jwks`,
      JWT_ISSUER: 'https://issuer.example.com',
    })
  })
  after(async () => {
    await service.stop()
    await issuer.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const freshToken = (claims = {}) =>
    token(
      { iss: 'https://issuer.example.com', aud: 'https://api.example.com', ...claims },
      'RS256',
      { kid: 'k' },
    )
  const openAgent = () =>
    startAgent(service.origin, {
      AGENT_SOCKET: socket(),
      JWT_SECRET: '',
      JWT_JWKS_URI: `${issuer.origin}/jwks`,
      JWT_ISSUER: 'https://issuer.example.com',
    })

  /** How to make a program of a file, and run it. */
  const apis: Record<string, (file: string) => [string, string[]]> = {
    'agent-python.py': (file) => ['python3', [file]],
    'agent-go.go': (file) => {
      const env = { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off', GOPROXY: 'off' }
      expect(execFileSync('gofmt', ['-l', file], { encoding: 'utf8' })).to.equal('')
      execFileSync('go', ['build', '-o', join(dir, 'api'), file], { env })
      return [join(dir, 'api'), []]
    },
  }
  for (const [name, programOf] of Object.entries(apis)) {
    it(`${name}, at most 15 lines of code: 200, 401 after logout, 503 while the agent is gone`, async function () {
      // The compiler's cache may be empty.
      this.timeout(300_000)
      const port = await freePort()
      const text = recipe(name)
      expect(linesOfCode(text)).to.be.within(5, 15)
      const file = join(dir, name)
      writeFileSync(
        file,
        text.replace('/run/cierre/agent.sock', socket()).replace('8080', String(port)),
      )
      const [program, args] = programOf(file)
      let agent: TestAgent = await openAgent()
      const api = start(program, args)
      try {
        const ask = (headers: Record<string, string> | string[]) =>
          send(`http://127.0.0.1:${port}`, { headers })
        const jwt = await freshToken({ sub: 'josé' })
        await until('it listens', () =>
          ask({}).then(
            () => true,
            () => false,
          ),
        )
        const accepted = await ask(bearer(jwt))
        expect([accepted.status, accepted.text]).to.deep.equal([200, 'jos%C3%A9'])
        const anonymous = await ask({})
        expect([anonymous.status, anonymous.headers['www-authenticate']]).to.deep.equal([
          401,
          'Bearer realm="cierre"',
        ])
        const two = [
          'Host',
          'api',
          ...['nonsense', jwt].flatMap((one) => ['Authorization', `Bearer ${one}`]),
        ]
        expect((await ask(two)).status).to.equal(401)
        expect((await service.logout(jwt)).status).to.equal(200)
        await until('the agent knows', async () => (await ask(bearer(jwt))).status !== 200)
        const refused = await ask(bearer(jwt))
        expect([refused.status, refused.text]).to.deep.equal([401, '{"error":"invalid_token"}'])
        expect(refused.headers['www-authenticate']).to.match(
          /^Bearer realm="cierre", error="invalid_token"/,
        )
        await agent.stop('SIGKILL')
        const unknown = await ask(bearer(await freshToken()))
        expect([unknown.status, unknown.headers['retry-after']]).to.deep.equal([503, '1'])
        agent = await openAgent()
        expect((await ask(bearer(await freshToken()))).status).to.equal(200)
      } finally {
        await end(api)
        await agent.stop()
      }
    })
  }

  /** Runs an agent with the variables of a recipe, as far as they fit here, and asks it. */
  const runWith = async (given: Record<string, string>, paths: readonly string[]) => {
    const local: Record<string, string> = {
      CIERRE_URL: service.origin,
      CIERRE_CLIENT_ID: 'all',
      CIERRE_CLIENT_SECRET_FILE: join(dir, 'client-secret'),
      JWT_JWKS_URI: `${issuer.origin}/jwks`,
      AGENT_SOCKET: socket(),
      AGENT_ADMIN_HOST: '127.0.0.1',
      AGENT_ADMIN_PORT: String(await freePort()),
    }
    writeFileSync(join(dir, 'client-secret'), secretOf('all'))
    const names = Object.keys(given)
    const env = Object.fromEntries(names.map((name) => [name, local[name] ?? given[name] ?? '']))
    const agent = start(process.execPath, [join(root, 'dist/main.js'), 'agent'], {
      env: { PATH: process.env['PATH'], ...env },
    })
    let out = ''
    for (const stream of [agent.stdout, agent.stderr])
      stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    try {
      await until('it listens', () => {
        if (agent.exitCode !== null) throw new Error(out)
        return out.includes('"listening"')
      })
      expect(out).not.to.match(/"level":"(?:warn|error)"/)
      expect((await sendOver(socket(), bearer(await freshToken()))).status).to.equal(200)
      const admin = `http://127.0.0.1:${local['AGENT_ADMIN_PORT']}`
      for (const path of paths)
        await until(`200 at ${path}`, async () => (await send(admin, { path })).status === 200)
    } finally {
      await end(agent, 'SIGTERM')
    }
  }

  it('cierre-agent.service: systemd finds no fault and little exposure, and an agent with its settings answers', async () => {
    const unit = recipe('cierre-agent.service')
    const program = join(dir, 'cierre')
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
    const file = join(dir, 'cierre-agent.service')
    writeFileSync(file, unit.replace('/usr/local/bin/cierre', program))
    const analyze = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], {
        encoding: 'utf8',
      })
      return { status, text: stdout + stderr }
    }
    expect(analyze('verify')).to.deep.equal({ status: 0, text: '' })
    const { status, text } = analyze('security', '--offline=true', '--threshold=20')
    expect(status, text).to.equal(0)
    const settings = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) =>
      line.split(' ').map((setting) => setting.split('=', 2) as [string, string]),
    )
    expect(unit).to.include('ExecStart=/usr/local/bin/cierre agent\n')
    await runWith(Object.fromEntries(settings), ['/health/ready'])
  })

  describe('agent-sidecar.yaml', () => {
    const manifest = parse(recipe('agent-sidecar.yaml')) as IDeployment

    it('is a Deployment by the schemas of Kubernetes, without a member that they do not know', () => {
      new Deployment(manifest).validate()
      const wrong = recipe('agent-sidecar.yaml').replace('replicas: 2', 'replicas: two')
      expect(() => new Deployment(parse(wrong) as IDeployment).validate()).to.throw('replicas')
      symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
      // The schemas take any member, the types do not.
      const faultsOf = (text: string) => {
        const file = join(dir, 'manifest.mts')
        const line = "import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment'"
        writeFileSync(file, `${line}\nexport const manifest: IDeployment = ${text}`)
        const options = '--noEmit --strict --skipLibCheck --module nodenext --types node'.split(' ')
        const compiler = join(root, 'node_modules/typescript/bin/tsc')
        const compiled = spawnSync(process.execPath, [compiler, ...options, file], {
          cwd: dir,
          encoding: 'utf8',
        })
        return compiled.stdout + compiled.stderr
      }
      const text = JSON.stringify(manifest)
      expect(faultsOf(text)).to.equal('')
      expect(faultsOf(text.replace('readinessProbe', 'readynessProbe'))).to.include(
        'readynessProbe',
      )
    })

    it('has a side-car that shares its socket, and whose settings and probes work', async () => {
      const {
        initContainers = [],
        containers,
        volumes,
        securityContext,
      } = manifest.spec?.template.spec ?? {}
      const [agent] = initContainers
      const [api] = containers ?? []
      const path = '/run/cierre'
      for (const container of [agent, api])
        expect(container?.volumeMounts).to.deep.include({ name: 'agent', mountPath: path })
      expect(volumes?.find(({ name }) => name === 'agent')).to.have.property('emptyDir')
      expect(agent).to.deep.include({
        restartPolicy: 'Always',
        command: ['node', 'dist/main.js', 'agent'],
      })
      expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).to.match(
        /^CMD \["node", "dist\/main\.js"\]$/m,
      )
      expect(securityContext?.fsGroup).to.be.a('number')
      const given = Object.fromEntries(
        (agent?.env ?? []).map(({ name, value = '' }) => [name, value]),
      )
      expect(given['AGENT_SOCKET']).to.equal(`${path}/agent.sock`)
      expect(agent?.ports?.map(({ containerPort }) => String(containerPort))).to.include(
        given['AGENT_ADMIN_PORT'],
      )
      const probes = [agent?.startupProbe, agent?.livenessProbe, agent?.readinessProbe]
      await runWith(
        given,
        probes.map((probe) => probe?.httpGet?.path ?? ''),
      )
    })
  })
})
