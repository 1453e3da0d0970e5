import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createApp } from '../../scripts/examples/express-embedded.js'
import { send, type Answer } from '../support/http.js'
import { plant, saw } from '../support/leaks.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const examples = join(root, 'scripts/examples')
// Tokens of one second are equal there, so each app has a secret of its own.
const freshSecret = () => plant(randomBytes(32).toString('base64url'))

/** A browser of one of these apps, as far as it needs one. */
const userOf = (origin: string) => {
  const withBearer = (jwt: string, path: string, method: string, body?: string) =>
    send(origin, {
      method,
      path,
      headers: {
        authorization: `Bearer ${jwt}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    })
  return {
    async logIn(): Promise<string> {
      const { json } = await send(origin, { method: 'POST', path: '/login' })
      return plant((json as { token: string }).token)
    },
    me: (jwt: string) => withBearer(jwt, '/me', 'GET'),
    logOut: (jwt: string) =>
      withBearer(jwt, '/api/v1/auth/logout', 'POST', JSON.stringify({ token: jwt })),
    logOutByDenylist: (jwt: string) => withBearer(jwt, '/logout', 'POST'),
  }
}

/** Logs in, and out. */
async function logOutOnce(
  user: ReturnType<typeof userOf>,
  logOut: (jwt: string) => Promise<Answer>,
  logOutStatus: number,
): Promise<string> {
  const jwt = await user.logIn()
  const me = await user.me(jwt)
  expect([me.status, me.json]).to.deep.equal([200, { user: 'alice' }])
  expect((await logOut(jwt)).status).to.equal(logOutStatus)
  expect((await user.me(jwt)).status, 'from the answer on').to.equal(401)
  return jwt
}

describe('the recipes of an app with cierre inside, against the built package', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('express-embedded.ts, 25 lines: 200 before logout, 401 from its answer on', async () => {
    const lines = readFileSync(join(examples, 'express-embedded.ts'), 'utf8').trimEnd().split('\n')
    expect(lines.length).to.be.at.most(25)
    const { app, cierre } = createApp(freshSecret(), redis.url)
    const server = createServer(app)
    try {
      await cierre.ready()
      const port = await freePort()
      server.listen(port, '127.0.0.1')
      const user = userOf(`http://127.0.0.1:${port}`)
      await until('it listens', () => server.listening)
      await logOutOnce(user, user.logOut, 200)
    } finally {
      server.closeAllConnections()
      server.close()
      await cierre.close()
    }
  })

  describe('denylist.diff', () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'cierre-denylist-'))
      const modules = join(folder, 'node_modules')
      mkdirSync(modules)
      for (const name of ['express', 'ioredis', 'jsonwebtoken'])
        symlinkSync(join(root, 'node_modules', name), join(modules, name))
      symlinkSync(root, join(modules, 'cierre'))
      copyFileSync(join(examples, 'denylist.mjs'), join(folder, 'denylist.mjs'))
    })
    after(() => rmSync(folder, { recursive: true }))

    /** Runs the file as it is in the folder. */
    const run = async (secret: string, use: (user: ReturnType<typeof userOf>) => Promise<void>) => {
      let out = ''
      const port = await freePort()
      const child = start(process.execPath, ['denylist.mjs'], {
        cwd: folder,
        env: { JWT_SECRET: secret, REDIS_URL: redis.url, PORT: String(port) },
      })
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
      try {
        const origin = `http://127.0.0.1:${port}`
        await until('it listens', async () => {
          if (child.exitCode !== null) throw new Error(`it has ended: ${out}`)
          return (await send(origin, {}).catch(() => undefined)) !== undefined
        })
        await use(userOf(origin))
      } finally {
        await end(child)
        saw(out)
      }
    }

    it('the app with its own denylist: 200, 401 after logout', () =>
      run(freshSecret(), async (user) => void (await logOutOnce(user, user.logOutByDenylist, 204))))

    it('with at most 10 lines added and 10 removed: 200, 401 after logout, also after a restart', async () => {
      const diff = readFileSync(join(examples, 'denylist.diff'), 'utf8').split('\n')
      for (const sign of ['+', '-']) {
        const lines = diff.filter((line) => line.startsWith(sign) && !/^(?:\+\+\+|---) /.test(line))
        expect(lines.length, sign).to.be.within(1, 10)
      }
      execFileSync('git', ['apply', join(examples, 'denylist.diff')], { cwd: folder })
      let ended = ''
      const secret = freshSecret()
      await run(secret, async (user) => {
        ended = await logOutOnce(user, user.logOut, 200)
        expect((await user.logOutByDenylist(ended)).status).to.equal(404)
      })
      await run(secret, async (user) => {
        expect((await user.me(ended)).status).to.equal(401)
        let jwt = ended
        await until('a login of a later second', async () => {
          jwt = await user.logIn()
          return jwt !== ended
        })
        expect((await user.me(jwt)).status).to.equal(200)
        redis.pause()
        try {
          await until('unknown is not "not revoked"', async () => {
            return (await user.me(jwt)).status === 503
          })
        } finally {
          redis.resume()
        }
      })
    })
  })
})
