import { expect } from 'chai'
import { GuardError, type Guard, type GuardOptions } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard } from '../support/guard.js'
import { createStandingClock } from '../support/live.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token, type Claims } from '../support/tokens.js'

describe('watched tokens', () => {
  let service: TestService
  const guards: Guard[] = []
  const open = async (options: Partial<GuardOptions> = {}, origin = service.origin) => {
    const guard = startGuard(origin, options)
    guards.push(guard)
    await guard.ready()
    return guard
  }
  const watchOf = async (guard: Guard, jwt: string, onStale?: 'close' | 'keep') => {
    const ends: string[] = []
    const watch = guard.watch(await guard.check(`Bearer ${jwt}`), (why) => ends.push(why), {
      onStale,
    })
    return { watch, ends }
  }
  const refusal = async (promise: Promise<unknown>) => {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(GuardError)
    return error as GuardError
  }
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
  })
  after(() => service.stop())

  it('renew: the fresh token is watched, and the end of the first one ends nothing', async () => {
    const guard = await open()
    const [first, second] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const { watch, ends } = await watchOf(guard, first)
    const other = await watchOf(guard, first)
    const claims = await guard.renew(watch, second)
    expect(claims).to.equal(await guard.check(`Bearer ${second}`))
    expect(guard.stats().watched).to.equal(2)

    await service.logout(first)
    await until('the first token has ended', () => other.ends.length === 1)
    expect(ends).to.deep.equal([])
    await service.logout(second)
    await until('the second token has ended', () => ends.length > 0)
    expect(ends).to.deep.equal(['revoked'])
    expect(guard.stats().watched).to.equal(0)
  })

  it('renew: the expiry of the fresh token counts, and not that of the first one', async () => {
    const clock = createStandingClock()
    const guard = await open({ clock })
    const first = await token({ sub: 'alice', exp: clock.nowS(2) })
    const { watch, ends } = await watchOf(guard, first)
    const other = await watchOf(guard, first)
    await guard.renew(watch, await token({ sub: 'alice', exp: clock.nowS(4) }))
    clock.forward(3_000)
    await until('the first token has expired', () => other.ends.length === 1)
    expect([other.ends, ends]).to.deep.equal([['expired'], []])
    clock.forward(2_000)
    await until('the fresh one has expired', () => ends.length === 1)
    expect(ends).to.deep.equal(['expired'])
  })

  it('renew: 401 for another subject or issuer and for a bad token, and the watch stays as it was', async () => {
    const guard = await open()
    const revoked = await token({ sub: 'alice' })
    await service.logout(revoked)
    await until('it is refused', async () =>
      guard.check(`Bearer ${revoked}`).then(
        () => false,
        () => true,
      ),
    )
    const first = await token({ sub: 'alice' })
    const { watch, ends } = await watchOf(guard, first)
    const bad: Record<string, string> = {
      'another subject': await token({ sub: 'bob' }),
      'no subject': await token({ sub: undefined }),
      'another issuer': await token({ sub: 'alice', iss: 'https://other.test' }),
      expired: await token({ sub: 'alice', exp: nowS(-5) }),
      'not genuine': `${first.slice(0, -8)}AAAAAAAA`,
      revoked,
      empty: '',
    }
    for (const [name, jwt] of Object.entries(bad)) {
      const error = await refusal(guard.renew(watch, jwt))
      expect(error.status, name).to.equal(401)
      if (jwt !== '') expect(error.wwwAuthenticate, name).to.include('error="invalid_token"')
    }
    expect([guard.stats().watched, ends]).to.deep.equal([1, []])
    await service.logout(first)
    await until('the first token has ended', () => ends.length === 1)
    expect(ends).to.deep.equal(['revoked'])
  })

  it('renew: two tokens without a subject are of two holders', async () => {
    const guard = await open()
    const { watch } = await watchOf(guard, await token({ sub: undefined }))
    const error = await refusal(guard.renew(watch, await token({ sub: undefined })))
    expect(error).to.include({ status: 401, reason: 'other_subject' })
  })

  it('renew: 401 once the watched token has ended or is not watched any more; a TypeError for anything else', async () => {
    const guard = await open()
    const claims: Claims = { sub: 'alice' }
    const first = await token(claims)
    const { watch, ends } = await watchOf(guard, first)
    const stopped = await watchOf(guard, first)
    stopped.watch()
    await service.logout(first)
    await until('it has ended', () => ends.length === 1)
    for (const ended of [watch, stopped.watch]) {
      const error = await refusal(guard.renew(ended, await token(claims)))
      expect(error).to.include({ status: 401 })
      expect((error.cause as Error).message).to.equal('the watched token has ended')
    }
    expect(guard.stats().watched).to.equal(0)
    const failure: unknown = await guard
      .renew(() => undefined, await token(claims))
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(TypeError)
  })

  it('renew: a token that ends while the fresh one is checked stays ended', async () => {
    const own = await startService({ CLIENTS: clientsVariable })
    try {
      let decide: (decision: 'active') => void = () => undefined
      const guard = await open(
        {
          maxStalenessMs: 500,
          onUnknown: () => new Promise<'active'>((resolve) => (decide = resolve)),
        },
        own.origin,
      )
      const { watch, ends } = await watchOf(guard, await token({ sub: 'alice' }))
      await own.stop()
      await until('the guard is stale', () => !guard.stats().fresh)
      const renewed = guard.renew(watch, await token({ sub: 'alice' }))
      const waits = decide
      await until('the fallback is asked', () => decide !== waits)
      watch()
      decide('active')
      expect((await refusal(renewed)).status).to.equal(401)
      expect([guard.stats().watched, ends]).to.deep.equal([0, []])
    } finally {
      await own.stop()
    }
  })

  it('stale: what closes is called once, what is kept is not, and a guard that does not know yet watches nothing that closes', async () => {
    const own = await startService({ CLIENTS: clientsVariable })
    try {
      const guard = await open({ maxStalenessMs: 500, onUnknown: () => 'active' }, own.origin)
      const jwt = await token()
      const closing = await watchOf(guard, jwt, 'close')
      const kept = await watchOf(guard, jwt, 'keep')
      const byDefault = await watchOf(guard, jwt)
      await own.stop()
      await until('the guard is stale', () => closing.ends.length > 0)
      const late = await watchOf(guard, jwt, 'close')
      await until('the late one is told', () => late.ends.length > 0)
      expect([closing.ends, late.ends, kept.ends, byDefault.ends]).to.deep.equal([
        ['stale'],
        ['stale'],
        [],
        [],
      ])
      expect(guard.stats().watched).to.equal(2)
    } finally {
      await own.stop()
    }
    const early = startGuard(`http://127.0.0.1:${await freePort()}`, { onUnknown: () => 'active' })
    guards.push(early)
    const { ends } = await watchOf(early, await token(), 'close')
    await until('it is told', () => ends.length > 0)
    expect(ends).to.deep.equal(['stale'])
  })

  it('a guard that is closed calls what closes, since no revocation arrives any more', async () => {
    const guard = await open()
    const closing = await watchOf(guard, await token(), 'close')
    const kept = await watchOf(guard, await token(), 'keep')
    await guard.close()
    expect([closing.ends, kept.ends]).to.deep.equal([['stale'], []])
    expect(guard.stats().watched).to.equal(0)
  })

  it('refuses an unknown onStale', async () => {
    const guard = await open()
    const claims = await guard.check(`Bearer ${await token()}`)
    expect(() => guard.watch(claims, () => undefined, { onStale: 'drop' as 'keep' })).to.throw(
      TypeError,
      'onStale',
    )
  })
})
