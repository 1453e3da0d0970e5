import { once } from 'node:events'
import { expect } from 'chai'
import { clientsVariable, secretOf } from '../support/clients.js'
import { serveOn } from '../support/browser.js'
import { runMain } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

describe('the command line (as built into dist/)', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  const start = (
    args: string[],
    { input, env }: { input?: string; env?: Record<string, string> } = {},
  ) =>
    runMain({
      args,
      input,
      env: {
        CIERRE_URL: service.origin,
        CIERRE_CLIENT_ID: 'all',
        CIERRE_CLIENT_SECRET: secretOf('all'),
        ...env,
      },
    })
  async function run(
    args: string[],
    options: Parameters<typeof start>[1] = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const { child, output } = start(args, options)
    const [code] = (await once(child, 'close')) as [number]
    saw(args.includes('token') ? '' : output.out + output.err)
    return { code, ...output }
  }

  it('token, check, revoke, check: active, revoked, not active', async () => {
    const made = await run(['token', '--sub', 'alice'], {
      env: { JWT_SECRET: hmacSecret, JWT_ISSUER: 'https://issuer.test' },
    })
    expect(made.code).to.equal(0)
    const active = await run(['check'], { input: made.out })
    expect([active.code, active.out]).to.deep.equal([0, active.out])
    expect(active.out).to.match(
      /^active: subject "alice", issuer "https:\/\/issuer\.test", session "[^"]+"\n$/,
    )
    const revoked = await run([
      'revoke',
      '--sub',
      'alice',
      '--iss',
      'https://issuer.test',
      '--reason',
      'compromised',
    ])
    expect([revoked.code, revoked.err]).to.deep.equal([0, ''])
    expect(revoked.out).to.match(
      /^revoked u:\S{22}, every token issued until \S+, kept until \S+\nuntil then tokens without iat .*\n$/,
    )
    const inactive = await run(['check'], { input: made.out })
    expect([inactive.code, inactive.out.slice(0, 10)]).to.deep.equal([1, 'not active'])
  })

  it('revoke takes a session, a token id, or a token on standard input', async () => {
    for (const args of [
      ['--sid', 's-1'],
      ['--jti', 'j-1', '--exp', '4102444800'],
    ]) {
      expect(
        (await run(['revoke', ...args, '--iss', 'https://issuer.test', '--reason', 'admin'])).code,
        args.join(' '),
      ).to.equal(0)
    }
    const jwt = await token()
    expect((await run(['revoke', '--reason', 'user_logout'], { input: `${jwt}\n` })).code).to.equal(
      0,
    )
    expect((await run(['check'], { input: jwt })).code).to.equal(1)
  })

  it('check and revoke take a token with its scheme or its whole header, as it was copied', async () => {
    const jwt = await token({ sid: 'copied' })
    for (const before of ['Bearer ', 'bearer   ', 'Authorization: Bearer ', 'authorization:DPoP '])
      expect((await run(['check'], { input: `${before}${jwt}\n` })).code, before).to.equal(0)
    const revoked = await run(['revoke', '--reason', 'admin'], { input: `  Bearer ${jwt}\r\n` })
    expect([revoked.code, revoked.err]).to.deep.equal([0, ''])
    expect((await run(['check'], { input: `Bearer ${jwt}` })).code).to.equal(1)
    expect((await run(['check'], { input: 'Bearer \n' })).err).to.equal(
      'no token on standard input\n',
    )
  })

  it('an option that is given twice, or beside its opposite, is refused: none is left out in silence', async () => {
    const iss = 'https://issuer.test'
    for (const [args, flag] of [
      [['--sub', 'a', '--sub', 'b', '--iss', iss], '--sub'],
      [['--sid', 'a', '--iss', iss, '--iss', iss], '--iss'],
      [['--sub', 'a', '--iss', iss, '--no-iss'], '--no-iss'],
      [['--sub', 'a', '--no-iss', `--iss=${iss}`], '--iss'],
    ] as const) {
      const { code, out, err } = await run(['revoke', '--reason', 'admin', ...args])
      expect([code, out], args.join(' ')).to.deep.equal([2, ''])
      expect(err).to.include(`option '${flag}' is given twice, or beside its opposite`)
    }
  })

  it('revoke needs the issuer: it lists the configured ones, or says how to state that there is none', async () => {
    const [first, second] = ['https://issuer.test', 'https://other.test/realm']
    const configured = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify(
        [first, second].map((issuer) => ({ issuer, secret: hmacSecret })),
      ),
    })
    try {
      const env = { CIERRE_URL: configured.origin }
      const revoke = (...args: string[]) => run(['revoke', ...args, '--reason', 'admin'], { env })
      for (const [args, line] of [
        [[], `--iss is needed. It has: ${first}, ${second}`],
        [['--no-iss'], `the service does not have that issuer. It has: ${first}, ${second}`],
        [
          ['--iss', `${first}/`],
          `the service does not have that issuer. Did you mean ${first}? It has: ${first}, ${second}`,
        ],
      ] as const) {
        const refused = await revoke('--sub', 'carol', ...args)
        expect([refused.code, refused.err, refused.out]).to.deep.equal([
          1,
          `refused: ${line}\n`,
          '',
        ])
      }
      const done = await revoke('--sub', 'carol', '--iss', first)
      expect([done.code, done.out.split('\n')[1]]).to.deep.equal([
        0,
        'until then tokens without iat are refused, those of later logins, too',
      ])
    } finally {
      await configured.stop()
    }
    const missing = await run(['revoke', '--sub', 'carol', '--reason', 'admin'])
    expect([missing.code, missing.err]).to.deep.equal([
      1,
      'refused: the service checks no issuer (JWT_ISSUER): give the iss of the tokens by --iss, or --no-iss if they have none\n',
    ])
    const jwt = await token({ iss: undefined, sub: 'dave' })
    const stated = await run(['revoke', '--sub', 'dave', '--no-iss', '--reason', 'admin'])
    expect([stated.code, stated.err]).to.deep.equal([0, ''])
    expect((await run(['check'], { input: jwt })).code).to.equal(1)
  })

  it('token: from a development service; an error line where there is none', async () => {
    const throwaway = await startService({ JWT_SECRET: '' })
    try {
      const { out } = await run(['token'], { env: { CIERRE_URL: throwaway.origin } })
      expect(
        (await run(['check'], { input: out, env: { CIERRE_URL: throwaway.origin } })).code,
      ).to.equal(0)
    } finally {
      await throwaway.stop()
    }
    const refused = await run(['token'])
    expect([refused.code, refused.err]).to.deep.equal([
      2,
      `no JWT_SECRET is set, and the service at ${service.origin} has keys of its own: ask its issuer for a token\n`,
    ])
  })

  it('audit prints the trail, and follows it until Ctrl-C; no text from outside moves the cursor', async () => {
    const { child, output } = start(['audit', '--follow', '--last', '1'])
    const jwt = await token({ sub: 'eve\u001b[2J\u202eil' })
    await until('it has begun', () => output.out !== '')
    expect((await service.logout(jwt)).status).to.equal(200)
    await until('it follows', () => output.out.includes('eve'))
    child.kill('SIGINT')
    const [code] = (await once(child, 'close')) as [number]
    expect([code, output.err]).to.deep.equal([0, ''])
    expect(output.out).to.match(
      /success +authn_token_revoked +logout +eve�\[2J�il of https:\/\/issuer\.test/,
    )
    expect(output.out.match(/eve/g)).to.have.length(1)
    const lines = (await run(['audit', '--json', '--last', '2'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
    expect(lines.map(({ event }) => event)).to.include('authn_token_revoked')
  })

  it('erase: the events that name a person, how many, and none by a client without the permission', async () => {
    for (const sub of ['gone', 'gone', 'stays'])
      expect((await service.logout(await token({ sub }))).status).to.equal(200)
    const erase = (...args: string[]) => run(['erase', ...args])
    const named = ['--sub', 'gone', '--iss', 'https://issuer.test']
    const missing = await erase('--sub', 'gone')
    expect([missing.code, missing.err]).to.deep.equal([
      2,
      '--iss is needed, or --no-iss where the tokens have no iss\n',
    ])
    const refused = await run(['erase', ...named], {
      env: { CIERRE_CLIENT_ID: 'powerless', CIERRE_CLIENT_SECRET: secretOf('powerless') },
    })
    expect([refused.code, refused.err]).to.deep.equal([
      1,
      'refused: the service answered 403: the client needs the permission erase\n',
    ])
    const done = await erase(...named)
    expect([done.code, done.out, done.err]).to.deep.equal([0, 'erased 2 audit events\n', ''])
    const again = await erase(...named)
    expect([again.code, again.out]).to.deep.equal([
      0,
      'erased 0 audit events: none names this subject of this issuer\n',
    ])
    expect((await erase('--sub', 'gone', '--no-iss')).out).to.match(/^erased 0 /)
    const { out } = await run(['audit'])
    expect(out).to.include('sensitive_delete').and.to.include('stays').and.not.to.include('gone')
  })

  it('audit --since and --until print the events of that time, all of them', async () => {
    let atMs = Date.parse('2026-03-01T12:00:00Z')
    const times = { iat: atMs / 1000, exp: atMs / 1000 + 90_000 }
    const past = await startService({ CLIENTS: clientsVariable }, { now: () => atMs })
    try {
      for (let hour = 0; hour < 24; hour += 1) {
        await past.logout(await token({ sub: `user-${hour}-`, ...times }))
        atMs += 3_600_000
      }
      const subjects = async (...args: string[]) => {
        const { out, err } = await run(['audit', ...args], { env: { CIERRE_URL: past.origin } })
        expect(err).to.equal('')
        return [...out.matchAll(/user-(\d+)-/g)].map(([, hour]) => Number(hour))
      }
      const hours = (from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, index) => from + index)
      expect(await subjects()).to.deep.equal(hours(4, 23))
      expect(await subjects('--since', '2026-03-01T13:00:00Z')).to.deep.equal(hours(1, 23))
      const afternoon = [
        ...['--since', '2026-03-01T15:00:00+01:00'],
        ...['--until', '2026-03-01T12:30:00-03:30'],
      ]
      expect(await subjects(...afternoon)).to.deep.equal([2, 3, 4])
      expect(await subjects(...afternoon, '--last', '1')).to.deep.equal([4])
    } finally {
      await past.stop()
    }
  })

  it('audit finds events by subject, event, reason, client and key, and says when there is none', async () => {
    const jwt = await token({ sub: 'filtered' })
    expect((await service.logout(jwt)).status).to.equal(200)
    expect((await service.logout(jwt)).status).to.equal(401)
    const by = ['--sub', 'filtered', '--iss', 'https://issuer.test', '--reason', 'replay']
    expect((await run(['revoke', ...by])).code).to.equal(0)
    const found = async (...args: string[]) => {
      const { code, out, err } = await run(['audit', '--subject', 'filtered', '--json', ...args])
      expect([code, err]).to.deep.equal([0, out === '' ? 'no such event\n' : ''])
      const lines = out.split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as { reason: string; keys: string[] })
    }
    const reasons = async (...args: string[]) => (await found(...args)).map(({ reason }) => reason)
    const [logout] = await found()
    expect(await reasons()).to.deep.equal(['logout', 'revoked', 'replay'])
    expect(await reasons('--event', 'authn_token_reuse')).to.deep.equal(['revoked'])
    expect(await reasons('--reason', 'replay', '--since', '1h')).to.deep.equal(['replay'])
    expect(await reasons('--client', 'all')).to.deep.equal(['replay'])
    expect(await reasons('--client', 'another')).to.deep.equal([])
    expect(await reasons('--key', logout?.keys[0] ?? '')).to.deep.equal(['logout'])
    expect(await reasons('--since', '2h', '--until', '1h')).to.deep.equal([])
    const { out } = await run(['audit', '--subject', 'filtered', '--last', '1'], {
      env: { TZ: 'Asia/Kathmandu' },
    })
    expect(out).to.match(/^\S+\+05:45 \(\S+Z\)  success  authn_token_revoked  replay  filtered of /)
  })

  it("the answer of another server is an error, never taken for cierre's", async () => {
    const answers = [
      [200, {}],
      [200, { 'Content-Type': 'text/html' }],
      [302, { Location: '/login' }],
      [401, { 'WWW-Authenticate': 'Basic' }],
      [403, {}],
      [504, {}],
    ] as const
    for (const [status, headers] of answers) {
      const other = await serveOn((_request, response) =>
        response.writeHead(status, headers).end('<p>hello'),
      )
      try {
        const env = { CIERRE_URL: other.origin }
        expect(
          (await run(['check'], { input: await token(), env })).code,
          `check ${status}`,
        ).to.equal(2)
        expect(
          (await run(['revoke', '--sub', 'x', '--reason', 'admin'], { env })).code,
          `revoke ${status}`,
        ).to.equal(2)
        // A command takes a quarter of a second.
        if (status !== 200 && status !== 401 && status !== 504) continue
        for (const args of [['audit'], ['erase', '--sub', 'x', '--no-iss']]) {
          const failed = await run(args, { env })
          expect(failed.code, `${args[0]} ${status}`).to.equal(2)
          expect(failed.err).to.match(
            status === 504
              ? /the service answered 504/
              : /another server answers at http:\/\/127\.0\.0\.1:\d+/,
          )
        }
      } finally {
        await other.close()
      }
    }
  })

  it('audit --follow continues after the service was down, and prints nothing twice', async () => {
    const port = await freePort()
    let shortLived = await startService({ CLIENTS: clientsVariable }, { port })
    const { child, output } = start(['audit', '--follow'], {
      env: { CIERRE_URL: shortLived.origin },
    })
    const logOut = async (sub: string) =>
      expect((await shortLived.logout(await token({ sub }))).status).to.equal(200)
    await logOut('first')
    await until('it follows', () => output.out.includes('first'))
    await shortLived.stop()
    await until('it says that the service does not answer', () =>
      output.err.includes('asking again'),
    )
    shortLived = await startService({ CLIENTS: clientsVariable }, { port })
    await logOut('second')
    await until('it goes on', () => output.out.includes('second'))
    child.kill('SIGINT')
    await once(child, 'close')
    await shortLived.stop()
    expect(
      [output.out.match(/first/g), output.out.match(/second/g)].map((found) => found?.length),
    ).to.deep.equal([1, 1])
  })

  it('an error is one line: no service, no client, no token, no such command', async () => {
    const jwt = await token()
    const deserted = await freePort()
    type Case = [string[], Parameters<typeof start>[1], number, RegExp]
    const cases: Case[] = [
      [
        ['check'],
        { input: jwt, env: { CIERRE_URL: 'http://127.0.0.1:1' } },
        2,
        /^unknown: no answer from http:\/\/127\.0\.0\.1:1 \(bad port\)\n$/,
      ],
      [
        ['check'],
        { input: jwt, env: { CIERRE_URL: `http://127.0.0.1:${deserted}` } },
        2,
        /^unknown: no answer from \S+ \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)\n$/,
      ],
      ...[{}, { CIERRE_INSECURE: 'true' }].map((more): Case => [
        ['check'],
        { input: jwt, env: { CIERRE_URL: 'http://192.0.2.1', ...more } },
        2,
        /^CIERRE_URL must be an origin: https:\/\/…, or http:\/\/ (on a loopback address; CIERRE_INSECURE|in a private network\n$)/,
      ]),
      [['audit', '--url', 'http://10.1.2.3'], {}, 2, /^--url must be an origin/],
      [['check'], {}, 2, /^no token on standard input\n$/],
      ...['\n', ' ', ' \u00e9'].map((between): Case => [
        ['check'],
        { input: `${jwt}${between}${jwt}` },
        2,
        /^standard input must have one token, without spaces or line ends in it\n$/,
      ]),
      [
        ['audit'],
        { env: { CIERRE_CLIENT_SECRET: 'wrong' } },
        2,
        /^the service answered 401: the client is not known, or its secret is wrong\n$/,
      ],
      [
        ['revoke', '--sub', 'x', '--reason', 'admin'],
        { env: { CIERRE_CLIENT_ID: 'powerless', CIERRE_CLIENT_SECRET: secretOf('powerless') } },
        1,
        /^refused: the client may not do this\n$/,
      ],
      [
        ['revoke', '--sub', 'x', '--reason', 'admin'],
        { env: { CIERRE_URL: 'http://127.0.0.1:1' } },
        2,
        /^unknown: no answer \(bad port\); repeating is safe\n$/,
      ],
      [['revoke', '--sub', 'x', '--sid', 'y', '--reason', 'admin'], {}, 2, /^only one of/],
      [['revoke', '--sub', 'x', '--reason', 'boredom'], {}, 2, /Allowed choices are user_logout/],
      [
        ['audit', '--since', 'March'],
        {},
        2,
        /^error: option '--since <time>' .*It must be a time such as .*\n\(cierre audit --help .*\)\n$/,
      ],
      [['audit', '--until', '2026-02-30T12:00:00Z'], {}, 2, /'--until <time>'.*It must be a time/],
      [['audit', '--until', '2026-03-01T12:00:00Z', '--follow'], {}, 2, /^--follow goes on/],
      [
        ['audit', '--subject', ''],
        {},
        2,
        /^the service answered 400: query\.subject must be a text that is not empty\n$/,
      ],
      [
        ['revoke', '--sub', '', '--no-iss', '--reason', 'admin'],
        {},
        1,
        /^refused: --sub must be a text/,
      ],
      [['audit', '--key', 'alice'], {}, 2, /'--key <key>'.*It must be a key of the trail/],
      [
        ['audit', '--limt', '3'],
        {},
        2,
        /^error: unknown option '--limt'\n\(cierre audit --help .*\)\n$/,
      ],
      [['audit', '--lsat', '3'], {}, 2, /'--lsat'\n\(Did you mean --last\?\)\n/],
      [['revok'], {}, 2, /unknown command 'revok'\n\(Did you mean revoke\?\)\n/],
      [['logout'], {}, 2, /unknown command 'logout'/],
      [['serve', '--port', '1'], {}, 2, /unknown option '--port'/],
      [['token', '--sub', 'x'], {}, 2, /^--sub, --sid and --lifetime need a JWT_SECRET/],
    ]
    for (const [args, options, code, text] of cases) {
      const failed = await run(args, options)
      expect(
        [failed.code, text.test(failed.err)],
        `${args.join(' ')}: ${failed.err}`,
      ).to.deep.equal([code, true])
    }
  })

  it('--help lists every command', async () => {
    const { code, out } = await run(['--help'])
    expect(code).to.equal(0)
    for (const command of ['serve', 'token', 'client', 'revoke', 'check', 'why', 'audit', 'erase'])
      expect(out).to.match(new RegExp(`^  ${command} `, 'm'))
  })
})
