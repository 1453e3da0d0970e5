import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { expect } from 'chai'
import {
  auditEvents,
  createRevocation,
  getRevocation,
  introspect,
  postForm,
  revoke,
} from '../support/asking.js'
import { claimKey } from '../../src/token/keys.js'
import { asClient, basic, clientsVariable, secretOf } from '../support/clients.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('machine clients', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  it('200: authenticated by Basic or by the form, with any of its secrets', async () => {
    const jwt = await token()
    for (const [form, headers] of [
      [{ token: jwt }, asClient()],
      [{ token: jwt, client_id: 'all', client_secret: secretOf('all') }, {}],
      [{ token: jwt }, { authorization: basic('all', 'an older secret') }],
      [
        { token: jwt },
        { authorization: basic('all', secretOf('all')).replace('Basic ', 'bAsIc   ') },
      ],
    ] as [Record<string, string>, Record<string, string>][]) {
      const answer = await postForm(service, '/oauth/introspect', form, headers)
      expect([answer.status, (answer.json as { active: boolean }).active]).to.deep.equal([
        200,
        true,
      ])
    }
  })

  it('400 invalid_request: a client_id in the form that contradicts Basic; 200 for the same one', async () => {
    const jwt = await token()
    for (const path of ['/oauth/introspect', '/oauth/revoke'])
      for (const [id, status] of [
        ['all', 200],
        ['', 200],
        ['narrow', 400],
        ['ALL', 400],
      ] as const) {
        const answer = await postForm(service, path, { token: jwt, client_id: id }, asClient())
        expect(answer.status, `${path} ${id}`).to.equal(status)
        if (status === 400) expect(answer.json).to.deep.equal({ error: 'invalid_request' })
      }
  })

  it('401 invalid_client with a Basic challenge: wrong secret, unknown id, nonsense, no credentials', async () => {
    const jwt = await token()
    for (const headers of [
      { authorization: basic('all', 'wrong') },
      { authorization: basic('unknown', secretOf('all')) },
      { authorization: basic('', '') },
      { authorization: 'Basic !!!' },
      { authorization: 'Basic YQ==' },
      { authorization: `Basic ${Buffer.from('all:%').toString('base64')}` },
      { authorization: `Bearer ${jwt}` },
      {},
    ] as Record<string, string>[]) {
      const answer = await postForm(service, '/oauth/introspect', { token: jwt }, headers)
      expect([answer.status, answer.json, answer.headers['www-authenticate']]).to.deep.equal([
        401,
        { error: 'invalid_client' },
        'Basic realm="cierre"',
      ])
    }
    const api = await service.send({
      path: '/api/v1/audit/events',
      headers: { authorization: basic('all', 'wrong') },
    })
    expect([api.status, api.json]).to.deep.equal([
      401,
      { success: false, message: 'Cliente no autenticado' },
    ])
    expect(
      service
        .audited()
        .some(({ event, reason }) => event === 'authn_login_fail' && reason === 'client'),
    ).to.equal(true)
  })

  it('400: credentials that come twice, or a form member that comes twice', async () => {
    const jwt = await token()
    expect(
      (
        await postForm(
          service,
          '/oauth/introspect',
          { token: jwt, client_id: 'all', client_secret: secretOf('all') },
          asClient(),
        )
      ).status,
    ).to.equal(400)
    for (const form of [
      `token=${jwt}&token=${jwt}`,
      `token=${jwt}&extra=1&extra=2`,
      `token=${jwt}&${Array.from({ length: 1200 }, (_, at) => `n${at}=`).join('&')}&token=x`,
      `token=${jwt}&__proto__=1&__proto__=2`,
      `[token]=${jwt}`,
      `token[]=${jwt}`,
      `token[a]=${jwt}`,
      'token=',
      '',
    ]) {
      const answer = await postForm(service, '/oauth/introspect', form, asClient())
      expect([form.slice(0, 10), answer.status, answer.json]).to.deep.equal([
        form.slice(0, 10),
        400,
        { error: 'invalid_request' },
      ])
    }
    expect(
      (
        await postForm(
          service,
          '/oauth/introspect',
          `token=${jwt}&extra=1&token_type_hint=nonsense`,
          asClient(),
        )
      ).status,
    ).to.equal(200)
  })

  it("403, audited with the client's id: the client lacks the permission", async () => {
    const jwt = await token()
    for (const answer of [
      await introspect(service, jwt, 'powerless'),
      await revoke(service, jwt, 'powerless'),
    ]) {
      expect([answer.status, answer.json]).to.deep.equal([403, { error: 'unauthorized_client' }])
    }
    const created = await createRevocation(service, { token: jwt, reason: 'admin' }, 'powerless')
    expect([created.status, created.json]).to.deep.equal([
      403,
      { success: false, message: 'Operación no permitida' },
    ])
    expect(service.audited().at(-1)).to.include({
      event: 'authz_fail',
      reason: 'permission',
      client: 'powerless',
    })
  })

  it('a token for another audience: introspection says inactive, revocation is 403', async () => {
    const [own, foreign] = [await token({ aud: ['x', 'narrow'] }), await token({ aud: 'wide' })]
    expect((await introspect(service, own, 'narrow')).json).to.include({ active: true })
    expect((await introspect(service, foreign, 'narrow')).text).to.equal('{"active":false}')
    expect((await introspect(service, await token(), 'narrow')).text).to.equal('{"active":false}')
    expect((await revoke(service, foreign, 'narrow')).status).to.equal(403)
    expect(
      (await createRevocation(service, { token: foreign, reason: 'admin' }, 'narrow')).status,
    ).to.equal(403)
    expect(
      (
        await createRevocation(
          service,
          { iss: 'https://issuer.test', sub: 'x', reason: 'admin' },
          'narrow',
        )
      ).status,
    ).to.equal(403)
    const known = await service.send({
      path: '/api/v1/revocations/t:AAAAAAAAAAAAAAAAAAAAAA',
      headers: asClient('narrow'),
    })
    expect(known.status).to.equal(403)
    expect((await introspect(service, foreign)).json).to.include({ active: true })
    expect((await revoke(service, own, 'narrow')).status).to.equal(200)
    expect((await introspect(service, own)).text).to.equal('{"active":false}')
  })

  it('429 for failed authentication alone: a client with a right secret is never locked out', async () => {
    const limited = await startService({ CLIENTS: clientsVariable, RATE_LIMIT_ADDRESS: '2/60' })
    try {
      const jwt = await token()
      const wrong = () =>
        postForm(
          limited,
          '/oauth/introspect',
          { token: jwt },
          { authorization: basic('all', 'wrong') },
        )
      expect([(await wrong()).status, (await wrong()).status]).to.deep.equal([401, 401])
      const third = await wrong()
      expect([third.status, third.json]).to.deep.equal([429, { error: 'temporarily_unavailable' }])
      expect(Number(third.headers['retry-after'])).to.be.within(1, 60)
      for (let asked = 0; asked < 5; asked += 1)
        expect((await introspect(limited, jwt)).status).to.equal(200)
      for (let asked = 0; asked < 5; asked += 1)
        expect(
          (
            await limited.send({
              path: '/api/v1/auth/verify',
              headers: { authorization: `Bearer ${jwt}` },
            })
          ).status,
        ).to.equal(200)
    } finally {
      await limited.stop()
    }
  })

  it('npm run client makes a client that works, and shows its secret once', async () => {
    const printed = execFileSync(
      process.execPath,
      ['dist/main.js', 'client', '--id', 'made', '--allow', 'introspect,audit', '--claims', 'role'],
      { encoding: 'utf8' },
    )
    const [secret = '', entry = ''] = printed
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim())
    expect(entry).not.to.include(secret)
    expect(entry).to.include(createHash('sha256').update(secret).digest('hex'))
    const made = await startService({ CLIENTS: `[${entry}]` })
    try {
      const answer = await postForm(
        made,
        '/oauth/introspect',
        { token: await token({ role: 'admin' }) },
        { authorization: basic('made', secret) },
      )
      expect(answer.json).to.include({ active: true, role: 'admin' })
    } finally {
      await made.stop()
    }
    expect(() =>
      execFileSync(process.execPath, ['dist/main.js', 'client', '--id', 'x', '--allow', 'fly'], {
        stdio: 'pipe',
      }),
    ).to.throw(/unknown permission fly/)
  })

  it('200: they list the audit trail newest first, filtered, page by page', async () => {
    const sub = 'audited-subject'
    for (let made = 0; made < 5; made += 1) await service.logout(await token({ sub }))
    const page = (await auditEvents(service, `?subject=${sub}&limit=2`)).json as {
      events: { time: string; keys: string[]; subject: string }[]
      cursor: string | null
    }
    expect(page.events.map(({ subject }) => subject)).to.deep.equal([sub, sub])
    const all = [...page.events]
    let { cursor } = page
    while (cursor !== null) {
      const next = (await auditEvents(service, `?subject=${sub}&limit=2&cursor=${cursor}`))
        .json as typeof page
      all.push(...next.events)
      cursor = next.cursor
    }
    expect(all).to.have.length(5)
    expect(all.map(({ time }) => time)).to.deep.equal(
      all
        .map(({ time }) => time)
        .sort()
        .reverse(),
    )
    const [key = ''] = all[0]?.keys ?? []
    expect(((await auditEvents(service, `?key=${key}`)).json as typeof page).events).to.have.length(
      1,
    )
    expect(
      ((await auditEvents(service, `?subject=${sub}&event=authz_fail`)).json as typeof page).events,
    ).to.deep.equal([])
    expect(
      ((await auditEvents(service, `?subject=${sub}&to=2020-01-01T00:00:00Z`)).json as typeof page)
        .events,
    ).to.deep.equal([])
    expect(
      (
        (await auditEvents(service, `?subject=${sub}&from=2020-01-01T00:00:00Z`))
          .json as typeof page
      ).events,
    ).to.have.length(5)
    for (const query of [
      '?limit=x',
      '?limit=1001',
      '?cursor=x',
      '?cursor=0-0',
      '?subjekt=alice',
      '?from=2026-01-01T23:59:60Z',
      '?event=nonsense',
      '?from=yesterday',
      '?key=x',
      '?subject=a&subject=b',
    ]) {
      expect((await auditEvents(service, query)).status, query).to.equal(400)
    }
    expect((await getRevocation(service, key)).json).to.include({ key, revoked: true })
  })

  it('503 for a key that Redis has lost and this instance knows: never "not revoked"', async () => {
    const redis = await startRedis()
    const own = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
    try {
      expect((await own.logout(await token({ sid: 'lost' }))).status).to.equal(200)
      const key = claimKey('s', 'https://issuer.test', 'lost')!
      await redis.client.del(`cierre:{c}:${key}`)
      expect((await getRevocation(own, key)).status).to.equal(503)
    } finally {
      await own.stop()
      await redis.stop()
    }
  })
})
