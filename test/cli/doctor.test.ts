import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { readConfigurationFile } from '../../src/doctor/configuration-file.js'
import type { Report } from '../../src/doctor/run.js'
import { readSettings } from '../../src/doctor/settings.js'
import { limits, storeCommands } from '../support/doctor.js'
import { runMain } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { longTest } from '../support/long.js'
import { startPlanted } from '../support/planted.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { send } from '../support/http.js'
import { hmacSecret } from '../support/tokens.js'

async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { child, output } = runMain({ args: ['doctor', ...args], env })
  const [code] = (await once(child, 'close')) as [number]
  saw(output.out + output.err)
  return { code, ...output }
}

describe('cierre doctor (as built into dist/)', function () {
  this.timeout(300_000)
  let redis: TestRedis
  let folder: string
  const file = (name: string) => join(folder, name)
  before(async () => {
    redis = await startRedis()
    folder = mkdtempSync(join(tmpdir(), 'cierre-doctor-'))
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    await redis.stop()
  })

  it('a logout with a fault: 1, the table says what got in and why; JSON and JUnit say the same', async () => {
    const { origins, stop } = await startPlanted('second logout is an error', redis.url)
    try {
      const [origin] = origins
      const configuration = {
        login: { url: `${origin}/login`, body: { user: '${WHO}' } },
        logout: `${origin}/logout`,
        protected: `${origin}/me`,
        limits,
      }
      writeFileSync(file('doctor.yaml'), JSON.stringify(configuration))
      const [json, junit] = [file('report.json'), file('report.xml')]
      const args = ['--config', file('doctor.yaml'), '--json', json, '--junit', junit]
      const { code, out, err } = await run(args, { WHO: 'alice' })
      expect([code, err]).to.deep.equal([1, ''])
      expect(out).to.match(/^ok +the same token again$/m)
      expect(out).to.match(
        /^FAILED +logout twice\n +- the second logout of one token answered: status 500\n +why: .*\(RFC 7009 §2\.2/m,
      )
      expect(out).to.match(/^not tried +a token without `jti` +needs `sign`/m)
      const report = JSON.parse(readFileSync(json, 'utf8')) as Report
      expect(report.results.filter(({ outcome }) => outcome === 'failed')[0]).to.include({
        name: 'logout twice',
      })
      const xml = readFileSync(junit, 'utf8')
      expect(xml).to.include(
        '<failure message="the second logout of one token answered: status 500">',
      )
      expect(xml).to.match(
        /<testcase name="a token without `jti`"[^>]*><skipped message="needs `sign`/,
      )
    } finally {
      await stop()
    }
  })

  longTest(
    'the denylist of the tutorial: nothing got in, and equal tokens of one second are noted',
    async () => {
      const port = await freePort()
      const commands = await storeCommands(redis)
      const app = start(
        process.execPath,
        [fileURLToPath(new URL('../../scripts/examples/denylist.mjs', import.meta.url))],
        { env: { JWT_SECRET: hmacSecret, REDIS_URL: redis.url, PORT: String(port) } },
      )
      const origin = `http://127.0.0.1:${port}`
      try {
        await until('it listens', async () => (await send(origin, {}).catch(() => 0)) !== 0)
        writeFileSync(file('limits.yaml'), 'limits: { watchSeconds: 2, outageSeconds: 1 }')
        const target = [
          ...['--config', file('limits.yaml')],
          ...['--login', `${origin}/login`, '--logout', `${origin}/logout`],
          ...['--protected', `${origin}/me`, '--secret-from', 'JWT_SECRET'],
          ...['--stop-store', commands.store.stop, '--start-store', commands.store.start, '--json'],
        ]
        const { code, out, err } = await run(target, { JWT_SECRET: hmacSecret })
        expect([code, err]).to.deep.equal([0, ''])
        const { results, notes } = JSON.parse(out) as Report
        const untried = results.filter(({ outcome }) => outcome !== 'held').map(({ name }) => name)
        expect(untried).to.deep.equal([
          'a sibling token of the login',
          'a token refreshed after the logout',
          'the token at a second instance',
          'an open connection',
        ])
        expect(notes.join('\n')).to.include('get the same token')
      } finally {
        await end(app)
        commands.close()
      }
    },
  )

  it('2: a bad configuration, a target that lets no token in, each said at once', async () => {
    const { code, out, err } = await run(['--logout', 'nowhere', '--origin', 'x'])
    expect([code, out]).to.deep.equal([2, ''])
    expect(err.trimEnd().split('\n')).to.deep.equal([
      'cierre doctor: login is missing: a command that prints a token, an address, or an object',
      'cierre doctor: logout must be an address such as http://127.0.0.1:8080/path or POST http://…, or an object with `url`',
      'cierre doctor: protected is missing: one address or several that need a token',
      'cierre doctor: origin must be an origin such as https://app.example.com',
    ])
    const { origins, stop } = await startPlanted(undefined, redis.url)
    try {
      const [origin] = origins
      const args = ['--login', 'echo not-a-token', '--logout', `${origin}/logout`]
      const refused = await run([...args, '--protected', `${origin}/me`, `${origin}/none`])
      expect([refused.code, refused.err]).to.deep.equal([
        2,
        [
          `${origin}/me does not let in the token of a fresh login: status 401`,
          `${origin}/none does not let in the token of a fresh login: status 404`,
          'the logout of a fresh login answered: status 401',
          '',
        ].join('\n'),
      ])
    } finally {
      await stop()
    }
  })

  it('--help alone says how to begin, and every member of the file', async () => {
    const { code, out } = await run(['--help'])
    expect(code).to.equal(0)
    for (const member of [
      'otherLogin',
      'refresh',
      'connection',
      'sign',
      'origin',
      'store',
      'limits',
    ])
      expect(out).to.match(new RegExp(`^  ${member}:`, 'm'))
    expect(out).to.include('npx cierre doctor --login http')
    const [, example = ''] = /needed:\n\n([^]*?)\n\n/.exec(out) ?? []
    writeFileSync(file('example.yaml'), example)
    const given = readConfigurationFile(file('example.yaml'), {
      ALICE_PASSWORD: 'a',
      JWT_SECRET: hmacSecret,
    })
    const { times } = readSettings(given, 'example')
    expect(times, 'the defaults').to.deep.equal(
      readSettings({ login: 'x', logout: 'http://a/', protected: 'http://a/' }, 'x').times,
    )
  })
})
