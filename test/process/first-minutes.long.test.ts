import { execFileSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { expect } from 'chai'
import { startIssuer } from '../support/issuer.js'
import { end, freePort, start, until } from '../support/processes.js'

const root = new URL('../../', import.meta.url).pathname
const page = readFileSync(join(root, 'scripts/examples/FIRST-MINUTES.md'), 'utf8')

/** The steps of a path: the texts of their blocks. Step 3 may have one for each language. */
function stepsOf(path: string): string[][] {
  const [, section = ''] = page.split(`\n## ${path}\n`)
  const [text = ''] = section.split('\n## ')
  return text
    .split(/^\*\*\d\. /m)
    .slice(1)
    .map((step) => [...step.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block))
}

/** A `bash` in a folder of its own, into which a reader pastes one step after the other. */
function openTerminal(packed: string, folder: string, variables: Record<string, string>) {
  const { PATH, HOME } = process.env
  const npm = { npm_config_prefer_offline: 'true', npm_config_audit: 'false' }
  // `script` gives it a terminal, and thus job control: `kill %1` ends a job with all its processes.
  // Bash finds the terminal at its file descriptor 2.
  const bash = 'exec bash --norc -meu -o pipefail <&3 >&4'
  const child: ChildProcess = start('script', ['--quiet', '--command', bash, '/dev/null'], {
    cwd: folder,
    env: { PATH, HOME, SHELL: '/bin/sh', npm_config_fund: 'false', ...npm, ...variables },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [keyboard, screen] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  let out = ''
  screen.on('data', (chunk: Buffer) => (out += chunk.toString()))
  let pasted = 0
  return {
    /** What the step prints. */
    async paste(text: string): Promise<string> {
      const file = `step-${(pasted += 1)}.sh`
      writeFileSync(join(folder, file), text)
      const before = out.length
      keyboard.write(`. ./${file} </dev/null 2>&1\necho "end of ${file}"\n`)
      await until(`the end of\n${text}`, () => {
        if (child.exitCode !== null) throw new Error(`${text}\n${out}`)
        return out.includes(`end of ${file}\n`)
      })
      return out.slice(before).replaceAll(packed, 'PACKED')
    },
    async close() {
      keyboard.end('for job in $(jobs -p); do kill -KILL -- "-$job" || true; done\n')
      await until('the terminal is closed', () => child.exitCode !== null)
      await end(child)
    },
  }
}

/** The statuses that `curl` has printed. */
const statusesOf = (out: string) =>
  [...out.matchAll(/^(?:HTTP\/1\.[01] (\d{3}) .*|(\d{3}))$/gm)].map(([, first, second]) =>
    Number(first ?? second),
  )

describe('the first ten minutes: every command of the page', function () {
  // Packages are installed, and Go compiles, on a machine that may be busy.
  this.timeout(400_000)
  let folders: string
  let packed: string
  /** What the first path has installed into an empty folder. The others have it when they begin. */
  let installed: string | undefined
  before(() => {
    folders = mkdtempSync(join(tmpdir(), 'cierre-first-'))
    const args = ['run', '--silent', 'pack', '--', '--pack-destination', folders]
    const [first = ''] = execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).split('\n')
    packed = first
  })
  after(() => rmSync(folders, { recursive: true, force: true }))

  /**
   * Runs the four steps of a path, with ports and package of this test, and answers what each has
   * printed. `language` chooses the block of step 3 where there are several; `refused` is the address
   * that has to learn of the logout from another process.
   */
  async function follow(
    path: string,
    {
      language = 0,
      refused,
      replaced = {},
    }: { language?: number; refused?: string; replaced?: Record<string, string> } = {},
  ): Promise<string[]> {
    const [service, agent, api] = [await freePort(), await freePort(), await freePort()].map(String)
    const texts = {
      'git+https://github.com/cierre/cierre.git': packed,
      '127.0.0.1:3000': `127.0.0.1:${service}`,
      '3001': String(agent),
      '8080': String(api),
      ...replaced,
    }
    const local = (text: string) =>
      Object.entries(texts).reduce((result, [from, to]) => result.replaceAll(from, to), text)
    // A guard or an agent learns of the logout within milliseconds, which may be more than `curl` needs.
    const wait = `while curl -sf -o seen.txt ${refused} -H "Authorization: Bearer $TOKEN"; do sleep 0.1; done`
    const afterLogout = (text: string) =>
      refused === undefined ? text : text.replace(/^curl.*auth\/logout.*$/m, `$&\n${wait}`)
    const steps = stepsOf(path)
    expect(steps, path).to.have.length(4)
    const folder = mkdtempSync(join(folders, 'path-'))
    if (installed !== undefined) execFileSync('cp', ['-al', installed, folder])
    const ports = { PORT: String(service), AGENT_PORT: String(agent) }
    const terminal = openTerminal(packed, folder, ports)
    const printed: string[] = []
    try {
      for (const blocks of steps) {
        const block = blocks[blocks.length > 1 ? language : 0] ?? ''
        expect(block, path).not.to.equal('')
        printed.push(await terminal.paste(local(afterLogout(block))))
      }
      expect(await terminal.paste('cat cierre.log\n')).not.to.include('a variable is not known')
      installed ??= join(folder, 'node_modules')
    } finally {
      await terminal.close()
    }
    return printed
  }

  it('Express and jsonwebtoken, HS256 without iss: 200, 401 after the logout, and jsonwebtoken alone would accept the token', async () => {
    const refused = 'http://127.0.0.1:8080/me'
    const [, run = '', , die = ''] = await follow('You have Express and jsonwebtoken', { refused })
    expect(statusesOf(run)).to.deep.equal([200])
    expect(statusesOf(die)).to.deep.equal([200, 200, 401])
    expect(die)
      .to.include('{"user":"alice"}')
      .and.to.include('{"error":"invalid_token"}')
      .and.to.include('alice, says jsonwebtoken\n')
  })

  it('an OpenID provider, found by its discovery document: 200, 401 after the logout', async () => {
    const issuer = await startIssuer()
    try {
      const [, run = '', , die = ''] = await follow('You have Keycloak, Auth0 or Entra ID', {
        replaced: {
          'https://keycloak.example.com/realms/demo': issuer.origin,
          'AUDIENCE=account': `AUDIENCE=${issuer.resource}`,
        },
      })
      expect(run).to.include('nothing wrong was found')
      expect(statusesOf(run)).to.deep.equal([200])
      expect(statusesOf(die)).to.deep.equal([200, 200, 401])
    } finally {
      await issuer.stop()
    }
  })

  for (const [language, name] of ['Python', 'Go'].entries())
    it(`an API in ${name} beside an agent: 200, 401 after the logout`, async () => {
      const refused = 'http://127.0.0.1:8080/'
      const [, run = '', , die = ''] = await follow('You have a Python or Go API', {
        language,
        refused,
      })
      expect(statusesOf(run)).to.deep.equal([200])
      expect(statusesOf(die)).to.deep.equal([200, 200, 401])
      expect(die).to.include('hello alice')
    })

  it('a client made from the contract: check 200, logout 200, check 401', async () => {
    const [, , , die = ''] = await follow('You want the contract and a client')
    expect(die).to.match(/^check 200\nlogout 200 Sesión cerrada exitosamente\ncheck 401$/m)
  })

  it('every path of the page is run here, each of four steps', () => {
    const paths = [...page.matchAll(/^## (.*)$/gm)].map(([, path = '']) => path)
    expect(paths).to.have.length(4)
    const linked = [...page.matchAll(/^\| .* \| \[[^\]]*\]\(#/gm)]
    expect(linked).to.have.length(4)
    const own = readFileSync(new URL(import.meta.url), 'utf8')
    for (const path of paths) expect(own).to.include(`follow('${path}'`)
  })
})
