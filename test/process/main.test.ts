import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { send } from '../support/http.js'
import { exitCode, runMain } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { end, freePort, start, until } from '../support/processes.js'
import { startProxy } from '../support/proxy.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret, token } from '../support/tokens.js'

const run = (env: Record<string, string>, nodeArgs: string[] = []) => runMain({ env, nodeArgs })

describe('the process (as built into dist/)', () => {
  it('without any setting: prints a token and the curl line that logs it out', async () => {
    const port = await freePort()
    const { child, output } = run({ PORT: String(port) })
    await until('it greets', () => output.out.includes('curl '))
    const [, jwt = ''] = /Bearer (\S+)'/.exec(output.out) ?? []
    const [, url = ''] = /curl -i (\S+)/.exec(output.out) ?? []
    expect(url).to.equal(`http://127.0.0.1:${port}/api/v1/auth/logout`)
    await until('it says so', () => output.out.includes('forgets every revocation at a restart'))
    const logout = () =>
      send(`http://127.0.0.1:${port}`, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
        headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      })
    expect((await logout()).status).to.equal(200)
    expect((await logout()).status).to.equal(401)
    child.kill('SIGINT')
    expect(await exitCode(child)).to.equal(0)
  })

  it('500 with SESSION_KEYS and without a Redis, and nothing is revoked', async () => {
    const port = await freePort()
    const { child, output } = run({ PORT: String(port), SESSION_KEYS: 'a:{jti}' })
    await until('it greets', () => output.out.includes('curl '))
    const [, jwt = ''] = /Bearer (\S+)'/.exec(output.out) ?? []
    const headers = { authorization: `Bearer ${jwt}` }
    const answer = await send(`http://127.0.0.1:${port}`, {
      method: 'POST',
      path: '/api/v1/auth/logout',
      body: JSON.stringify({ token: jwt }),
      headers: { ...headers, 'content-type': 'application/json' },
    })
    expect(answer.status).to.equal(500)
    expect(
      (await send(`http://127.0.0.1:${port}`, { path: '/api/v1/auth/verify', headers })).status,
    ).to.equal(200)
    await end(child)
  })

  it('logs a warning for an issuer without audience and typ, whose ID tokens pass as access tokens', async () => {
    const settings = {
      REDIS_URL: 'memory:',
      JWT_SECRET: hmacSecret,
      JWT_ISSUER: 'https://issuer.test',
    }
    for (const [more, warnings] of [
      [{}, 1],
      [{ JWT_AUDIENCE: 'api' }, 0],
      [{ JWT_TYP: 'at+jwt' }, 0],
    ] as const) {
      const { child, output } = run({ PORT: '0', ...settings, ...more })
      await until('it listens', () => output.out.includes('listening'))
      await end(child)
      expect(
        output.out.split('\n').filter((line) => line.includes('ID tokens of this issuer pass')),
        JSON.stringify(more),
      ).to.have.length(warnings)
    }
  })

  it('exit 1 with wrong settings: one message with all of them, without a stack trace or a secret', async () => {
    const { child, output } = run({
      PORT: 'x',
      JWT_SECRET: 'too-short-a-secret',
      REDIS_URL: 'x',
      LOG_LEVEL: 'x',
      CORS_ORIGINS: '*',
    })
    expect(await exitCode(child)).to.equal(1)
    expect(output.err.split('\n').filter((line) => line.startsWith('  '))).to.have.length(5)
    expect(output.err).to.match(/^cierre cannot start:\n/)
    expect(output.err).not.to.match(/^\s+at /m)
    expect(output.err + output.out).not.to.include('too-short-a-secret')
  })

  it('exit 1 with an address in use: one line', async () => {
    const port = await freePort()
    const first = run({ PORT: String(port) })
    await until('it listens', () => first.output.out.includes('listening'))
    const second = run({ PORT: String(port) })
    expect(await exitCode(second.child)).to.equal(1)
    expect(second.output.err).to.match(
      /^cierre cannot start:\n {2}HOST, PORT: listen EADDRINUSE[^\n]*\n$/,
    )
    await end(first.child)
  })

  it('METRICS_PORT: only metrics at that port, and none at the public port', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()]
    const { child, output } = run({
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      NODE_ENV: 'production',
      JWT_SECRET: hmacSecret,
      REDIS_URL: 'memory:',
    })
    await until('it listens', () => output.out.includes('"msg":"listening'))
    const metrics = await send(`http://127.0.0.1:${metricsPort}`, { path: '/metrics' })
    expect([metrics.status, metrics.headers['content-type']]).to.deep.equal([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
    expect(metrics.text).to.match(/^cierre_live_revocations 0$/m)
    const withQuery = await send(`http://127.0.0.1:${metricsPort}`, { path: '/metrics?x=1' })
    expect(withQuery.status).to.equal(200)
    for (const [at, path] of [
      [metricsPort, '/'],
      [metricsPort, '/api/v1/auth/verify'],
      [port, '/metrics'],
    ] as const) {
      expect((await send(`http://127.0.0.1:${at}`, { path })).status, path).to.equal(404)
    }
    child.kill('SIGTERM')
    expect(await exitCode(child)).to.equal(0)
    const taken = run({ PORT: '0', METRICS_PORT: String(port) })
    const blocker = run({ PORT: String(port) })
    await until(
      'one of them cannot start',
      () => taken.child.exitCode !== null || blocker.child.exitCode !== null,
    )
    expect(taken.output.err + blocker.output.err).to.match(
      /^cierre cannot start:\n {2}HOST, (?:METRICS_)?PORT: listen EADDRINUSE/,
    )
    await end(taken.child)
    await end(blocker.child)
  })

  it('200 to the first request: the port opens when Redis has answered', async () => {
    const redis = await startRedis()
    let letThrough: () => void = () => undefined
    const isOpen = new Promise<void>((resolve) => (letThrough = resolve))
    let asked = 0
    const proxy = await startProxy(
      () => redis.port,
      async () => {
        asked++
        await isOpen
        return 'pass'
      },
    )
    const port = await freePort()
    const { child } = run({ PORT: String(port), JWT_SECRET: hmacSecret, REDIS_URL: proxy.url })
    const jwt = await token()
    const logout = () =>
      send(`http://127.0.0.1:${port}`, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
        headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      }).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code,
      )
    await until('both connections wait for Redis', () => asked >= 2)
    expect(await logout()).to.equal('ECONNREFUSED')
    letThrough()
    let first: unknown
    await until('it answers', async () => (first = await logout()) !== 'ECONNREFUSED')
    expect(first).to.equal(200)
    await end(child)
    await proxy.stop()
    await redis.stop()
  })

  it('exit 0 after SIGTERM: requests in flight finish, and new connections are refused', async () => {
    const redis = await startRedis()
    const port = await freePort()
    const { child, output } = run({
      PORT: String(port),
      JWT_SECRET: hmacSecret,
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: '60000',
    })
    await until('it listens', () => output.out.includes('"msg":"listening'))
    redis.pause()
    const jwt = await token()
    const answer = send(`http://127.0.0.1:${port}`, {
      method: 'POST',
      path: '/api/v1/auth/logout',
      body: JSON.stringify({ token: jwt }),
      headers: {
        authorization: `Bearer ${jwt}`,
        'content-type': 'application/json',
        connection: 'keep-alive',
      },
    })
    await until('the request is in flight', async () => {
      const probe = connect(port, '127.0.0.1')
      await once(probe, 'connect')
      probe.destroy()
      return true
    })
    const live = await send(`http://127.0.0.1:${port}`, { path: '/health/live' })
    expect(live.status).to.equal(200)
    child.kill('SIGTERM')
    await until('it drains', () => output.out.includes('draining'))
    const late = connect(port, '127.0.0.1')
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).to.equal('ECONNREFUSED')
    redis.resume()
    expect((await answer).status).to.equal(200)
    expect(await exitCode(child)).to.equal(0)
    expect(output.out).to.include('"msg":"stopped"')
    saw(output.out)
    await redis.stop()
  })

  it('exit 0 after SIGTERM at once, also during the start and with idle connections', async () => {
    const atFirst =
      "const look = () => process.listenerCount('SIGTERM') > 0 ? process.kill(process.pid, 'SIGTERM') : setImmediate(look); look()"
    const early = run({ PORT: '0' }, [
      '--import',
      `data:text/javascript,${encodeURIComponent(atFirst)}`,
    ])
    expect(await exitCode(early.child)).to.equal(0)
    expect(early.output.out).to.include('"reason":"SIGTERM"')
    const port = await freePort()
    const patient =
      'const real = setTimeout; globalThis.setTimeout = (f, ms, ...args) => real(f, ms === 10_000 ? 3_600_000 : ms, ...args)'
    // The time to drain is an hour here, and the test does not wait for it.
    const { child, output } = run({ PORT: String(port) }, [
      '--import',
      `data:text/javascript,${encodeURIComponent(patient)}`,
    ])
    await until('it listens', () => output.out.includes('curl '))
    const silent = connect(port, '127.0.0.1')
    await once(silent, 'connect')
    silent.on('error', () => undefined)
    child.kill('SIGTERM')
    expect(await exitCode(child)).to.equal(0)
  })

  it('200 while the log cannot be written, and a line on stderr', async () => {
    const port = await freePort()
    const child = start('sh', ['-c', 'exec "$0" dist/main.js > /dev/full', process.execPath], {
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        JWT_SECRET: hmacSecret,
        REDIS_URL: 'memory:',
      },
    })
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const logout = async () => {
      const jwt = await token()
      const answer = await send(`http://127.0.0.1:${port}`, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
        headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      })
      return answer.status
    }
    await until(
      'it answers',
      async () =>
        (await send(`http://127.0.0.1:${port}`, { path: '/health/live' }).catch(() => undefined))
          ?.status === 200,
    )
    for (let time = 0; time < 5; time += 1) expect(await logout()).to.equal(200)
    expect(errors).to.match(/^the log cannot be written: ENOSPC/)
    child.kill('SIGTERM')
    expect(await exitCode(child)).to.equal(0)
  })

  for (const [name, args] of [
    ['npm start', ['start']],
    // The shell has to stay beside the service, whatever shell it is.
    ['npx', ['exec', '-c', 'node dist/main.js || exit']],
  ] as const)
    it(`${name}: SIGTERM ends the service, too`, () => endsWithNpm(args))

  async function endsWithNpm(args: readonly string[]) {
    const port = await freePort()
    const npm = start('npm', args, { env: { ...process.env, PORT: String(port) } })
    let out = ''
    npm.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until('it listens', () => out.includes('curl '))
    npm.kill('SIGTERM')
    await exitCode(npm)
    await until(
      'the port is free',
      () =>
        new Promise<boolean>((resolve) => {
          const probe = connect(port, '127.0.0.1', () => resolve(false)).on('error', () =>
            resolve(true),
          )
          probe.on('connect', () => probe.destroy())
        }),
    )
  }

  it('exit 1: an unhandled rejection or an uncaught exception is logged by that name', async () => {
    for (const [kind, code] of [
      ['unhandledRejection', "Promise.reject(new Error('lost on purpose'))"],
      ['uncaughtException', "throw new Error('lost on purpose')"],
    ] as const) {
      const trap = `data:text/javascript,process.on('SIGUSR2', () => { ${encodeURIComponent(code)} })`
      const { child, output } = run({ PORT: '0' }, ['--import', trap])
      await until('it listens', () => output.out.includes('curl '))
      child.kill('SIGUSR2')
      expect(await exitCode(child)).to.equal(1)
      expect(output.out).to.match(new RegExp(`"level":"fatal".*lost on purpose.*"msg":"${kind}"`))
    }
  })
})
