import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import jsonwebtoken from 'jsonwebtoken'
import { parse } from 'yaml'
import { startInstance, type Instance } from '../support/instance.js'
import { plant } from '../support/leaks.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { freshClaims, rsa, sign } from '../support/tokens.js'

const root = new URL('../../', import.meta.url).pathname
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')
const pages = [
  'README.md',
  'OPERATING.md',
  'CONTRIBUTING.md',
  'scripts/examples/README.md',
  'scripts/packages/cierre-guard.md',
  'scripts/packages/cierre-client.md',
]
const [readme, operating] = [textOf('README.md'), textOf('OPERATING.md')]

type Block = { page: string; language: string; text: string }
const blocks: Block[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(
    ([, language = '', text = '']): Block => ({ page, language, text }),
  ),
)
const snippets = blocks.filter(({ language }) => language === 'js')

describe('every command and snippet of the pages', () => {
  let redis: TestRedis
  let issuer: { origin: string; stop(): void }
  let instance: Instance
  /** A project in which the three packages are installed. */
  let app: string
  const secret = plant(randomBytes(32).toString('base64url'))
  const clients = ['api', 'ops'].map((id) => ({
    id,
    secretSha256: createHash('sha256').update(secret).digest('hex'),
    allow: ['introspect', 'revoke', 'feed', 'audit'],
  }))
  const issuerName = 'https://issuer.example.com'
  const claims = { iss: issuerName, aud: 'https://api.example.com', sub: 'alice' }
  const token = () => sign(freshClaims(claims), 'RS256', { kid: 'k' })

  /** The text with the addresses of this test in place of those of a reader. */
  const local = (text: string) =>
    text
      .replaceAll('https://issuer.example.com/jwks', `${issuer.origin}/jwks`)
      .replaceAll('http://127.0.0.1:3000', instance.origin)
      .replaceAll('redis://127.0.0.1:6379', redis.url)
      .replaceAll('https://cierre.example.com', instance.origin)
      .replaceAll('https://auth.example.com', instance.origin)
  const environment = async () => ({
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TOKEN: await token(),
    SECRET: secret,
    CIERRE_CLIENT_SECRET: secret,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  })
  const shell = async (
    text: string,
    { cwd = app, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
  ): Promise<string> => {
    const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', local(text)], {
      cwd,
      env: { ...(await environment()), ...env },
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect(code, `${text}\n${out}`).to.equal(0)
    return out
  }
  /** Runs a command that serves, until it is up. */
  const serving = async (
    text: string,
    { cwd, env }: { cwd: string; env: Record<string, string> },
    isUp: (out: string) => boolean | Promise<boolean>,
  ): Promise<string> => {
    const child = start('bash', ['--norc', '-c', `exec ${local(text)}`], {
      cwd,
      env: { ...(await environment()), ...env },
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    try {
      await until(`it serves: ${text}`, () => isUp(out))
    } catch (cause) {
      throw new Error(out, { cause })
    } finally {
      await end(child, 'SIGTERM')
    }
    return out
  }

  before(async function () {
    this.timeout(180_000)
    const jwks = JSON.stringify({
      keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }],
    })
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(jwks),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    issuer = {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => void server.close().closeAllConnections(),
    }
    redis = await startRedis()
    instance = await startInstance(await freePort(), {
      REDIS_URL: redis.url,
      JWT_JWKS_URI: `${issuer.origin}/jwks`,
      JWT_ISSUER: issuerName,
      CLIENTS: JSON.stringify(clients),
    })
    app = mkdtempSync(join(tmpdir(), 'cierre-reader-'))
    const packed = execFileSync(
      'npm',
      ['run', '--silent', 'pack', '--', '--pack-destination', app],
      { cwd: root, encoding: 'utf8' },
    )
      .trim()
      .split('\n')
    writeFileSync(join(app, 'package.json'), '{"name":"reader","private":true,"type":"module"}')
    const [main = ''] = packed.map((path) => basename(path))
    expect(readme)
      .to.include(`\`npm ci && npm run pack\``)
      .and.to.include(`dist/packages/${main}\``)
    execFileSync(
      'npm',
      ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', ...packed],
      { cwd: app, stdio: 'ignore' },
    )
  })
  after(async () => {
    issuer.stop()
    await instance.kill()
    await redis.stop()
    rmSync(app, { recursive: true, force: true })
  })

  /** How to run each block, by its first words. */
  const runs: Record<string, (block: Block) => Promise<unknown>> = {
    'npm ci && npm start': async ({ text }) => {
      const out = await serving(
        text.replace('npm ci && ', ''),
        { cwd: root, env: { PORT: String(await freePort()) } },
        (out) => out.includes('curl -i'),
      )
      expect(out).to.include('A token that it accepts for an hour')
    },
    // This command runs this test.
    'npm ci && npm test': async () => {
      const ci = readFileSync(join(root, '.ci/run'), 'utf8')
      expect(ci).to.match(/^npm ci$/m)
      expect(ci).to.match(/npm test$/m)
    },
    'JWT_SECRET="$JWT_SECRET"': async ({ text }) => {
      const [entry = ''] = (
        await shell('npx cierre client --id api --allow feed,introspect')
      ).match(/^ *(\{.*\})$/m) ?? ['']
      await serving(
        `env ${text.replace('npx cierre', `${process.execPath} dist/main.js`)}`,
        {
          cwd: root,
          env: { PORT: String(await freePort()), JWT_SECRET: secret, CLIENT: entry.trim() },
        },
        (out) => out.includes('"store":"redis","msg":"listening"'),
      )
    },
    'REDIS_URL=': async ({ text }) =>
      serving(
        text.replace(/^((?:\w+=\S+ )+)/, 'env $1'),
        { cwd: root, env: { PORT: String(await freePort()) } },
        (out) => out.includes('"store":"redis","msg":"listening"'),
      ),
    'curl -i http://127.0.0.1:3000/api/v1/auth/logout': async ({ text }) => {
      const env = { TOKEN: await token() }
      expect(await shell(text, { env })).to.match(/HTTP\/1\.1 200 OK/)
      expect(await shell(text, { env })).to.match(/HTTP\/1\.1 401 Unauthorized/)
    },
    'curl -u "api:$SECRET"': async ({ text }) => {
      const out = await shell(text)
      expect(out).to.include('"active":true')
      expect(out).to.match(/"key":"u:/)
    },
    // `check-package.sh` installs from a repository of its own.
    'npm install git+': async ({ text }) => {
      const [install = '', make = ''] = text.split('\n')
      const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
        repository: { url: string }
      }
      expect(install).to.equal(`npm install ${repository.url}`)
      expect(await shell(make)).to.include('The entry for CLIENTS')
      expect(readFileSync(join(root, 'scripts/check-package.sh'), 'utf8')).to.match(
        /^npm install .*"git\+file:/m,
      )
      expect(readFileSync(join(root, '.ci/run'), 'utf8')).to.match(
        /^bash scripts\/check-package\.sh$/m,
      )
    },
    "import { createClient } from 'cierre": async ({ text }) => {
      const around = (outcome: string) => `
        globalThis.sessionStorage = { getItem: () => process.env.TOKEN }
        const forgetToken = () => console.log('forgotten', result.outcome), showMessage = (text) => console.log(text)
        ${local(text)}
        if (result.outcome !== '${outcome}') throw new Error(result.outcome)`
      const env = {
        TOKEN: await sign(freshClaims({ iss: issuerName, sub: 'bob' }), 'RS256', { kid: 'k' }),
      }
      for (const outcome of ['logged_out', 'already_logged_out']) {
        writeFileSync(join(app, 'client.mjs'), around(outcome))
        expect(await shell('node client.mjs', { env })).to.include(`forgotten ${outcome}`)
      }
    },
    "import { createGuard, expressGuard } from 'cierre": async ({ text }) => {
      writeFileSync(
        join(app, 'guard.mjs'),
        `
        let middleware
        const app = { use: (given) => (middleware = given) }
        ${local(text)}
        const headers = { authorization: 'Bearer ' + process.env.TOKEN }
        console.log((await guard.check(headers.authorization)).sub)
        if (typeof middleware !== 'function') throw new Error('no middleware')
        await guard.close()`,
      )
      const env = { TOKEN: plant(jsonwebtoken.sign({ sub: 'erin' }, secret)), JWT_SECRET: secret }
      expect(await shell('node guard.mjs', { env })).to.include('erin')
    },
    "import { createGuard } from 'cierre/guard'": async ({ text }) => {
      writeFileSync(
        join(app, 'options.mjs'),
        `
        const request = { headers: { authorization: 'Bearer ' + process.env.TOKEN } }
        ${local(text)}
        console.log(claims.sub)
        await guard.close()`,
      )
      const claims = { iss: issuerName, aud: 'https://api.example.com', sub: 'carol' }
      const env = { TOKEN: await sign(freshClaims(claims), 'RS256', { kid: 'k' }) }
      expect(await shell('node options.mjs', { env })).to.include('carol')
    },
    'CIERRE_URL=': async ({ text }) => {
      const [, serve = '', ask = ''] = /^([^]*?agent)\n(curl[^]*)$/.exec(text.trim()) ?? []
      const port = String(await freePort())
      const isUp = async (out: string) => {
        if (!out.includes('"listening"')) return false
        const answer = await shell(ask.replace('3001', port))
        return answer.includes('200 OK') && answer.includes('X-Auth-Subject: alice')
      }
      const command = serve.replace('npx cierre', `${process.execPath} dist/main.js`)
      await serving(`env ${command}`, { cwd: root, env: { AGENT_PORT: port } }, isUp)
    },
    'import { createTestGuard } from': async ({ text }) => {
      const refusal = 'await guard.check(`Bearer ${jwt}`).catch((error) => error.status)'
      writeFileSync(join(app, 'testing.mjs'), `${text}\nconsole.log(${refusal})`)
      expect(await shell('node testing.mjs')).to.equal('401\n')
    },
    "import { expressGuard, fromCookie } from 'cierre/guard/express'": async ({ text }) => {
      writeFileSync(
        join(app, 'adapter.mjs'),
        local(`
        import { createServer } from 'node:http'
        import { createGuard } from 'cierre/guard'
        const guard = createGuard({
          issuers: [{ issuer: '${issuerName}', jwksUri: 'https://issuer.example.com/jwks' }],
          feed: { url: 'http://127.0.0.1:3000', clientId: 'api', clientSecret: process.env.CIERRE_CLIENT_SECRET },
        })
        await guard.ready()
        ${text}
        const server = createServer((request, response) =>
          middleware(request, response, () => response.end(request.claims.sub)))
        server.listen(0, '127.0.0.1', async () => {
          const headers = { cookie: 'token=' + process.env.TOKEN }
          const answer = await fetch('http://127.0.0.1:' + server.address().port, { headers })
          console.log(await answer.text())
          server.close()
          await guard.close()
        })`),
      )
      const claims = { iss: issuerName, sub: 'frank', scope: 'orders:read' }
      const env = { TOKEN: await sign(freshClaims(claims), 'RS256', { kid: 'k' }) }
      expect(await shell('node adapter.mjs', { env })).to.include('frank')
    },
    'export CIERRE_URL': async ({ text }) => {
      const lines = text.trimEnd().split('\n')
      expect(lines).to.have.length(8)
      // A service with a configured key makes no tokens.
      const out = await shell(
        [lines[0], 'echo "$TOKEN" > token.txt', ...lines.slice(2)]
          .join('\n')
          // 1: the token is revoked.
          .replace(/^npx cierre why.*$/m, 'npx cierre why < token.txt || [ $? = 1 ]'),
        {
          env: {
            TOKEN: await sign(freshClaims({ iss: issuerName, sub: 'dora' }), 'RS256', { kid: 'k' }),
          },
        },
      )
      expect(out).to.match(/^active: subject "dora"/m)
      expect(out).to.match(/^revoked s:\S+/m)
      expect(out).to.match(
        /^revoked: s:\S+ \(its session\)\n +when .*\n +who +the machine client ops/m,
      )
      expect(out).to.match(/^revoked u:\S+/m)
      expect(out).to.match(
        /authn_token_revoked +compromised +alice of https:\/\/issuer\.example\.com +by ops/,
      )
      const made = await shell(`${lines[0]}\n${lines[1]}\ncat token.txt`, {
        env: { JWT_SECRET: secret },
      })
      expect(made).to.match(/^eyJ/m)
    },
    'npx cierre doctor': async ({ text }) => {
      const own = await startInstance(await freePort(), {
        REDIS_URL: 'memory:',
        JWT_SECRET: secret,
      })
      try {
        const out = await shell(text.replaceAll('http://127.0.0.1:3000', own.origin), {
          env: { JWT_SECRET: secret },
        })
        expect(out)
          .to.match(/^ok +the same token again$/m)
          .and.to.match(/, 0 failed, /)
      } finally {
        await own.kill()
      }
    },
    // No container engine runs here: `check-container.sh` does what the two files say. This only reads
    // them.
    'JWT_JWKS_URI=': async () => {
      const compose = parse(readFileSync(join(root, 'compose.yaml'), 'utf8')) as {
        services: Record<string, { read_only?: boolean }>
      }
      expect(Object.keys(compose.services)).to.deep.equal(['cierre', 'redis'])
      expect(readFileSync(join(root, '.ci/run'), 'utf8')).to.include('scripts/check-container.sh')
    },
    // In a repository of its own, so that the settings of this one stay as they are.
    'git config': async ({ text }) => {
      const cwd = mkdtempSync(join(app, 'repository-'))
      await shell(`git init --quiet\n${text}`, { cwd })
      const [, file = ''] = /ignoreRevsFile (\S+)/.exec(text) ?? []
      expect(await shell('git config blame.ignoreRevsFile', { cwd })).to.equal(`${file}\n`)
      expect(textOf(file).replace(/^#.*\n/gm, '')).to.match(/^(?:[0-9a-f]{40}\n)+$/)
    },
    // Without the first line: the package is installed here already.
    'npm install @opentelemetry/auto-instrumentations-node': async ({ text }) => {
      const command = text.split('\n')[1] ?? ''
      await serving(
        command.replace(/^/, 'env ').replace('npx cierre', `${process.execPath} dist/main.js`),
        {
          cwd: root,
          env: {
            PORT: String(await freePort()),
            REDIS_URL: redis.url,
            JWT_SECRET: secret,
            OTEL_METRICS_EXPORTER: 'none',
            OTEL_LOGS_EXPORTER: 'none',
            OTEL_BSP_SCHEDULE_DELAY: '50',
          },
        },
        (out) => out.includes('"msg":"listening"') && /traceId: '\w{32}'/.test(out),
      )
    },
  }

  for (const block of blocks) {
    const [first = ''] = block.text.split('\n')
    it(`${block.page}: \`${first}\``, async () => {
      const run = Object.entries(runs).find(([words]) => first.startsWith(words))?.[1]
      if (run === undefined) throw new Error('nothing here runs it')
      await run(block)
    })
  }

  it('the commands within their text', async () => {
    expect(operating).to.include('`npx cierre client --id api --allow introspect,revoke`')
    expect(await shell('npx cierre client --id api --allow introspect,revoke')).to.include(
      'The entry for CLIENTS',
    )
    for (const help of ['npx cierre --help', 'npx cierre revoke --help']) {
      expect(operating).to.include(`\`${help}\``)
      expect(await shell(help)).to.include('Usage: cierre')
    }
  })

  it('the snippets compile under `strict`', () => {
    // Declarations of the app around the snippets.
    const around = [
      "import type { IncomingMessage, ServerResponse } from 'node:http'",
      'type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown',
      'declare const app: { use(middleware: Middleware): void }',
      'declare const request: IncomingMessage',
      'declare const sessionStorage: { getItem(name: string): string | null }',
      'declare function showMessage(text: string): void',
      'declare function forgetToken(): void',
      'declare function refreshAndLogOutAgain(): Promise<void>',
    ].join('\n')
    const files = snippets.map(({ text }, index) => {
      const file = join(app, `snippet-${index}.mts`)
      const guard = /\bconst (?:guard =|\{[^}]*\bguard\b)/.test(text)
        ? ''
        : "declare const guard: import('cierre/guard').Guard"
      writeFileSync(file, `${around}\n${guard}\n${text}`)
      return file
    })
    expect(files).to.have.length(7)
    const options =
      '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --target es2022 --module nodenext --types node'
    const types = ['--typeRoots', join(root, 'node_modules/@types')]
    const compiled = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), ...options.split(' '), ...types, ...files],
      { cwd: app, encoding: 'utf8' },
    )
    expect(compiled.status, compiled.stdout).to.equal(0)
  })
})
