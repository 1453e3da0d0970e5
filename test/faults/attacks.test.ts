import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { claimKey } from '../../src/token/keys.js'
import { CompactSign } from 'jose'
import { plant } from '../support/leaks.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { repeats } from '../support/long.js'
import { startService, type TestService } from '../support/service.js'
import { ec, freshClaims, hmacSecret, nowS, pemOf, rsa, sign, token } from '../support/tokens.js'

const sentChallenge = /^Bearer realm="cierre", error="invalid_token", error_description="[ -~]+"$/
const encode = (text: string) => Buffer.from(text).toString('base64url')

/** A signed token with exactly this JSON as its payload. */
async function signJson(payload: string, header: Record<string, unknown> = {}): Promise<string> {
  return plant(
    await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'HS256', ...header })
      .sign(Buffer.from(hmacSecret)),
  )
}
/** A token with a right MAC and any header, also one that no library would write. */
function macOf(header: string, payload: string): string {
  const input = `${encode(header)}.${encode(payload)}`
  return plant(`${input}.${createHmac('sha256', hmacSecret).update(input).digest('base64url')}`)
}

describe('attacks: refused, and nothing is revoked', () => {
  let redis: TestRedis
  let service: TestService
  let strict: TestService
  let canary: Server
  let canaryConnections = 0
  let canaryUrl: string

  before(async () => {
    redis = await startRedis()
    service = await startService({ REDIS_URL: redis.url })
    strict = await startService({
      REDIS_URL: redis.url,
      JWT_ISSUER: 'https://issuer.test',
      JWT_AUDIENCE: 'api',
      JWT_TYP: 'JWT',
    })
    canary = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
    canary.on('connection', () => (canaryConnections += 1))
    await once(canary, 'listening')
    canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/keys`
  })
  after(async () => {
    await service.stop()
    await strict.stop()
    canary.close()
    await redis.stop()
  })

  const revocations = async () => [
    await redis.client.keys('cierre:{c}:[tsujn]:*'),
    (await redis.client.exists('cierre:{c}:feed')) && (await redis.client.xLen('cierre:{c}:feed')),
  ]

  async function expectRefused(
    status: number,
    jwt: string,
    body: unknown = { token: jwt },
    at = service,
  ) {
    const before = await revocations()
    const answer = await at.logout(jwt, body)
    const messages: Record<number, string> = {
      400: 'Solicitud inválida',
      401: 'Token no proporcionado o inválido',
      403: 'El token ha expirado',
    }
    expect([answer.status, answer.json], jwt.slice(0, 80)).to.deep.equal([
      status,
      { success: false, message: messages[status] },
    ])
    if (status !== 400) expect(answer.headers['www-authenticate']).to.match(sentChallenge)
    expect(await revocations()).to.deep.equal(before)
  }

  const payload = () => JSON.stringify(freshClaims())

  it('401: alg none in upper and lower case, with and without a signature; alg that is unknown or no text', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      await expectRefused(
        401,
        `${encode(JSON.stringify({ alg }))}.${encode(payload())}.${encode('x')}`,
      )
      await expectRefused(401, `${encode(JSON.stringify({ alg }))}.${encode(payload())}.`)
    }
    await expectRefused(401, macOf('{}', payload()))
    await expectRefused(401, macOf('{"alg":7}', payload()))
    await expectRefused(401, macOf('{"alg":["HS256"]}', payload()))
    await expectRefused(401, macOf('{"alg":"hs256"}', payload()))
  })

  it('401: algorithm confusion, the public key used as an HMAC secret', async () => {
    const rs = await startService({ REDIS_URL: redis.url, JWT_PUBLIC_KEY: pemOf('RS256') })
    try {
      for (const secret of [
        pemOf('RS256'),
        pemOf('RS256').trim(),
        JSON.stringify(rsa.publicKey.export({ format: 'jwk' })),
      ]) {
        const jwt = await new CompactSign(Buffer.from(payload()))
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(secret))
        await expectRefused(401, jwt, undefined, rs)
      }
      await expectRefused(401, await token({}, 'ES256'), undefined, rs)
    } finally {
      await rs.stop()
    }
  })

  it('401: a key in the token itself (jwk, jku, x5u, x5c), and no request is sent to fetch it', async () => {
    const own = ec['ES256']!
    const jwk = own.publicKey.export({ format: 'jwk' }) as Record<string, unknown>
    for (const header of [
      { jwk },
      { jku: canaryUrl, kid: 'k' },
      { x5u: canaryUrl },
      { x5c: ['MIIB'] },
    ]) {
      await expectRefused(401, await sign(freshClaims(), 'ES256', header))
    }
    expect(canaryConnections).to.equal(0)
    const harmless = await sign(freshClaims(), 'HS256', { jku: canaryUrl })
    expect((await service.logout(harmless)).status).to.equal(200)
    expect(canaryConnections).to.equal(0)
  })

  it('401: crit, also with b64', async () => {
    await expectRefused(401, macOf('{"alg":"HS256","crit":["exp"],"exp":1}', payload()))
    await expectRefused(401, macOf('{"alg":"HS256","crit":[]}', payload()))
    await expectRefused(401, macOf('{"alg":"HS256","crit":["b64"],"b64":false}', payload()))
  })

  it('401: a kid with a path, SQL or a name of JavaScript', async () => {
    const rs = await startService({
      REDIS_URL: redis.url,
      JWT_PUBLIC_KEY: JSON.stringify({
        keys: [{ ...ec['ES256']!.publicKey.export({ format: 'jwk' }), kid: 'good' }],
      }),
    })
    try {
      for (const kid of [
        '../../../../dev/null',
        "' OR 1=1 --",
        '__proto__',
        'constructor',
        'good\0',
        '',
      ]) {
        await expectRefused(401, await sign(freshClaims(), 'ES256', { kid }), undefined, rs)
      }
    } finally {
      await rs.stop()
    }
  })

  it('401: header or payload that is no JSON object', async () => {
    for (const header of ['null', '[]', '7', '"x"', '{', ''])
      await expectRefused(401, macOf(header || ' ', payload()))
    for (const text of ['null', '[]', '7', '"x"', '{', '{}x', '\u0000'])
      await expectRefused(401, await signJson(text))
  })

  it('401: parts of two tokens, truncated, swapped and overlong tokens', async () => {
    const [one, other] = [(await token()).split('.'), (await token()).split('.')]
    await expectRefused(401, [one[0], other[1], one[2]].join('.'))
    await expectRefused(401, [one[0], one[1], other[2]].join('.'))
    await expectRefused(401, [one[0], one[1], one[2]?.slice(0, 20)].join('.'))
    await expectRefused(401, [one[1], one[0], one[2]].join('.'))
    await expectRefused(401, await token({}, 'HS512'))
    await expectRefused(401, [...one, one[2]].join('.'))
    await expectRefused(401, `a.${'b'.repeat(17_000)}.c`, {})
    await expectRefused(401, await token({ filler: 'x'.repeat(13_000) }))
  })

  const oddities: [string, unknown][] = [
    ['null', null],
    ['true', true],
    ['a string', 'soon'],
    ['an empty string', ''],
    ['an array', []],
    ['an object', {}],
    ['a numeric string', '9999999999'],
  ]
  for (const claim of ['exp', 'nbf', 'iat']) {
    for (const [what, value] of oddities) {
      it(`401: ${claim} that is ${what}`, async () =>
        expectRefused(401, await signJson(JSON.stringify({ ...freshClaims(), [claim]: value }))))
    }
  }
  it('401: exp or nbf beyond all numbers; 403: exp of 0 or less', async () => {
    const text = JSON.stringify(freshClaims({ exp: undefined })).slice(0, -1)
    for (const exp of ['1e999', '9007199254741', '1e15', '-1e999']) {
      await expectRefused(401, await signJson(`${text},"exp":${exp}}`))
    }
    await expectRefused(403, await signJson(`${text},"exp":-1}`))
    await expectRefused(403, await signJson(`${text},"exp":0}`))
    const timeless = text.replace(/"iat":\d+,?/, '').replace(/,$/, '')
    for (const ahead of [
      `${timeless},"exp":${nowS(60)},"iat":1e999}`,
      `${text},"exp":${nowS(60)},"nbf":1e999}`,
    ]) {
      expect((await service.logout(await signJson(ahead))).status).to.equal(401)
    }
  })
  for (const claim of ['iss', 'aud']) {
    for (const [what, value] of [
      ...oddities,
      ['absent', undefined],
      ['a number', 7],
      ['an array of others', ['x', 7]],
    ] as [string, unknown][]) {
      it(`401: ${claim} that is ${what}, where one is configured`, async () =>
        expectRefused(
          401,
          await signJson(JSON.stringify({ ...freshClaims({ aud: 'api' }), [claim]: value }), {
            typ: 'JWT',
          }),
          undefined,
          strict,
        ))
    }
  }
  for (const claim of ['iss', 'sub', 'jti', 'sid']) {
    for (const [what, value] of [
      ...oddities,
      ['a number', 7],
      ['far too long', 'x'.repeat(1025)],
      ['half a surrogate pair', '\ud800'],
    ] as [string, unknown][]) {
      it(`200, and 401 afterwards: ${claim} that is ${what}`, async () => {
        const jwt = await signJson(
          JSON.stringify({ ...freshClaims({ sid: undefined }), [claim]: value }),
        )
        expect((await service.logout(jwt)).status).to.equal(200)
        expect((await service.logout(jwt)).status).to.equal(401)
      })
    }
  }

  it('401, 404, 413, 415: malformed bodies, headers and paths', async () => {
    const jwt = await token()
    const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' }
    const post = (body: string, more: Record<string, string> = {}) =>
      service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: { ...headers, ...more },
        body,
      })
    const before = await revocations()
    for (const [status, body, more] of [
      [401, `{"token":"${jwt}`, {}],
      [401, '{"token":{"$ne":null}}', {}],
      [401, `{"toString":1}`, {}],
      [401, `{"__proto__":{"token":"${jwt}"}}`, {}],
      [401, `{"token":" ${jwt}"}`, {}],
      [401, `{"token":"${jwt}\\u0000"}`, {}],
      [401, `{"TOKEN":"${jwt}"}`, {}],
      [401, `\ufeff7`, {}],
      [413, `{"token":"${'x'.repeat(66_000)}"}`, {}],
      [415, `token=${jwt}`, { 'content-type': 'application/x-www-form-urlencoded' }],
      [401, JSON.stringify({ token: jwt }), { authorization: `Bearer ${jwt}, Bearer ${jwt}` }],
      [401, JSON.stringify({ token: jwt }), { authorization: `Bearer\t${jwt}` }],
      [401, JSON.stringify({ token: jwt }), { authorization: jwt }],
      [401, JSON.stringify({ token: jwt }), { authorization: `DPoP2 ${jwt}` }],
    ] as [number, string, Record<string, string>][]) {
      const answer = await post(body, more)
      expect([body.slice(0, 40), more, answer.status]).to.deep.equal([
        body.slice(0, 40),
        more,
        status,
      ])
    }
    for (const path of [
      '/api/v1/auth/logout/',
      '/API/v1/auth/logout',
      '//api/v1/auth/logout',
      '/api/v1/auth/./logout',
      '/api/v1/auth%2Flogout',
      '/api/v1/auth/logout;x',
      '/api',
    ]) {
      expect(
        (
          await service.send({
            method: 'POST',
            path,
            headers,
            body: JSON.stringify({ token: jwt }),
          })
        ).status,
        path,
      ).to.equal(404)
    }
    expect(await revocations()).to.deep.equal(before)
    expect((await service.logout(jwt)).status).to.equal(200)
  })

  it('property: 401 for a token with any characters changed', async () => {
    const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(8),
        fc.array(printable, { maxLength: 4 }).map((characters) => characters.join('')),
        fc.boolean(),
        async (position, removed, inserted, inBody) => {
          const jwt = await token()
          const at = position % jwt.length
          const changed = jwt.slice(0, at) + inserted + jwt.slice(at + removed)
          const { status } = inBody
            ? await service.logout(jwt, { token: changed })
            : await service.logout(changed)
          if (changed === jwt) expect(status).to.equal(200)
          else expect(status).to.equal(401)
        },
      ),
      { numRuns: repeats(75, 300) },
    )
  })

  it('property: a request with any header, method, path and body gets a status below 500, and 200 only if it is valid', async () => {
    const text = fc.string({
      maxLength: 20,
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    })
    const bent = fc.record({
      scheme: fc.oneof(fc.constantFrom('Bearer ', 'bearer  ', 'Basic ', 'Bearer'), text),
      contentType: fc.oneof(
        fc.constantFrom(
          'application/json',
          'application/json; charset=utf-8',
          'application/json;',
          'text/json',
          '',
        ),
        text.map((more) => `application/json;${more}`),
        text,
      ),
      contentEncoding: fc.option(fc.constantFrom('gzip', 'identity', 'br', ''), { nil: undefined }),
      extra: fc.dictionary(
        fc.constantFrom(
          'x-request-id',
          'origin',
          'expect',
          'x-forwarded-for',
          'x-forwarded-proto',
          'user-agent',
          'accept',
          'cookie',
          'content-location',
        ),
        text,
        { maxKeys: 4 },
      ),
      method: fc.constantFrom('POST', 'POST', 'POST', 'PUT', 'GET', 'HEAD', 'OPTIONS'),
      suffix: fc.oneof(
        { weight: 5, arbitrary: fc.constant('') },
        {
          weight: 1,
          arbitrary: fc.constantFrom('/', '?token=x', '?token=x&token=y', '%00', '%', '#'),
        },
      ),
      body: fc.oneof(
        fc.constant(undefined),
        fc.string({ maxLength: 60 }),
        fc.json({ maxDepth: 2 }),
        fc.jsonValue().map((token) => JSON.stringify({ token })),
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        bent,
        async ({ scheme, contentType, contentEncoding, extra, method, suffix, body }) => {
          const jwt = await token()
          const answer = await service.send({
            method,
            path: `/api/v1/auth/logout${suffix}`,
            headers: {
              ...extra,
              authorization: scheme + jwt,
              'content-type': contentType,
              ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
            },
            ...(method === 'POST' || method === 'PUT'
              ? { body: body ?? JSON.stringify({ token: jwt }) }
              : {}),
          })
          expect(answer.status).to.be.lessThan(500)
          const isLegal =
            method === 'POST' &&
            /^bearer +$/i.test(scheme) &&
            body === undefined &&
            contentEncoding === undefined &&
            /^application\/json *(?:;|$)/i.test(contentType.trim())
          if (answer.status === 200)
            expect(
              isLegal || method === 'OPTIONS',
              JSON.stringify([scheme, contentType, method]),
            ).to.equal(true)
        },
      ),
      { numRuns: repeats(125, 500) },
    )
  })

  it('property: a token with other claims, signed again, is accepted exactly when its claims are valid', async () => {
    const names = fc.constantFrom(
      'exp',
      'nbf',
      'iat',
      'iss',
      'aud',
      'sub',
      'jti',
      'sid',
      'auth_time',
      '__proto__',
      'toString',
    )
    const near = fc
      .integer({ min: -200, max: 200 })
      .filter((offset) => ![-1, 0, 1, 59, 60, 61].includes(offset))
      .map((offset) => nowS(offset))
    const values = fc.oneof(fc.jsonValue(), near, fc.constantFrom(null, '', 0, -1, 1e300, 2 ** 53))
    const endedSessions = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, values, { maxKeys: 4 }), async (changes) => {
        const claims = { ...freshClaims(), ...changes }
        const { status } = await service.logout(await signJson(JSON.stringify(claims)))
        const isNumber = (value: unknown): value is number => typeof value === 'number'
        const timesAreNumbers = [claims['exp'], claims['nbf'], claims['iat']].every(
          (value) => value === undefined || isNumber(value),
        )
        const { exp, nbf, iat } = claims as Record<string, number | undefined>
        const legal =
          timesAreNumbers &&
          (nbf === undefined || nbf <= nowS(60)) &&
          (iat === undefined || iat <= nowS(60)) &&
          (exp === undefined || Math.abs(exp * 1000) <= Number.MAX_SAFE_INTEGER)
        const session = claimKey('s', claims['iss'], claims['sid'])
        const isEnded = session !== undefined && endedSessions.has(session)
        expect(status).to.equal(
          !legal ? 401 : exp !== undefined && exp <= nowS() ? 403 : isEnded ? 401 : 200,
        )
        if (status === 200 && session !== undefined) endedSessions.add(session)
      }),
      { numRuns: repeats(75, 300) },
    )
  })
})
