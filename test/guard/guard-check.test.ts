import { expect } from 'chai'
import { GuardError, type Claims, type Guard } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard } from '../support/guard.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token, tokenOfLength } from '../support/tokens.js'

/** The same bytes, written with other spare bits in the last character of the signature. */
const respelled = (jwt: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return jwt.slice(0, -1) + alphabet[alphabet.indexOf(jwt.at(-1)!) + 1]
}

describe('guard.check({ token })', () => {
  let service: TestService
  let guard: Guard
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin)
    await guard.ready()
  })
  after(async () => {
    await guard.close()
    await service.stop()
  })
  const outcomeOf = (presented: Parameters<Guard['check']>[0]) =>
    guard.check(presented).then(
      ({ sub }) => ['200', sub],
      (error: unknown) => {
        const { status, code, reason, wwwAuthenticate } = error as GuardError
        return error instanceof GuardError ? [status, code, reason, wwwAuthenticate] : error
      },
    )

  it('answers the same claims, and refuses the same, as the header Bearer <token>', async () => {
    const jwt = await token({ sub: 'alice' })
    expect(await guard.check({ token: jwt })).to.equal(await guard.check(`Bearer ${jwt}`))
    const tokens = [
      jwt,
      respelled(jwt),
      `${jwt}=`,
      `${jwt} `,
      `Bearer ${jwt}`,
      await token({ exp: nowS(-90) }),
      await token({ nbf: nowS(900) }),
      await token({ cnf: { jkt: 'x' } }),
      await token({ iss: 'https://other.test' }),
      'x',
      'é',
      '',
    ]
    const outcomes = []
    for (const one of tokens) {
      const outcome = await outcomeOf({ token: one })
      expect(outcome, one).to.deep.equal(await outcomeOf(`Bearer ${one}`))
      outcomes.push((outcome as unknown[]).slice(0, 3))
    }
    expect(outcomes).to.deep.equal([
      ['200', 'alice'],
      [401, 'invalid_token', 'spelling'],
      [401, 'invalid_token', 'spelling'],
      [401, 'invalid_token', 'spelling'],
      [401, 'invalid_token', 'spelling'],
      [401, 'token_expired', 'expired'],
      [401, 'invalid_token', 'not_yet_valid'],
      [401, 'invalid_token', 'sender_constrained'],
      [401, 'invalid_token', 'unknown_issuer'],
      [401, 'invalid_token', 'spelling'],
      [401, 'invalid_token', 'spelling'],
      [401, 'token_missing', 'no_credentials'],
    ])
  })

  it('401 once the token is revoked; it can be watched', async () => {
    const jwt = await token()
    const claims = await guard.check({ token: jwt })
    const end = new Promise((resolve) => guard.watch(claims, resolve))
    expect((await service.logout(jwt)).status).to.equal(200)
    expect(await end).to.equal('revoked')
    expect(((await outcomeOf({ token: jwt })) as unknown[]).slice(0, 3)).to.deep.equal([
      401,
      'invalid_token',
      'revoked',
    ])
  })

  it('401 for none, and for what is no string, as a body may have it', async () => {
    for (const none of [undefined, null])
      expect(((await outcomeOf({ token: none })) as unknown[])[1]).to.equal('token_missing')
    for (const bad of [7, {}, ['a'], { toString: () => 'x' }])
      expect(((await outcomeOf({ token: bad as never })) as unknown[])[1]).to.equal('invalid_token')
  })

  it('gives the claims the types that the caller names', async () => {
    const jwt = await token({ role: 'admin' })
    const claims: Claims<{ role: string }> = await guard.check<{ role: string }>({ token: jwt })
    const role: string = claims.role
    const sub: string | undefined = claims.sub
    expect([role, sub]).to.deep.equal(['admin', sub])
  })
})

describe('the tokens that a guard remembers', () => {
  it('are as many as maxRemembered says, and fewer where they are long', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    const remembered = async (length: number) => {
      const guard = startGuard(service.origin, { maxRemembered: 64 })
      try {
        await guard.ready()
        let most = 0
        for (let count = 0; count < 100; count += 1) {
          await guard.check({ token: await tokenOfLength(length) })
          most = Math.max(most, guard.stats().remembered)
        }
        return most
      } finally {
        await guard.close()
      }
    }
    try {
      expect(await remembered(1_000)).to.equal(64)
      // 64 · 1,024 characters are four such tokens, and each half begins with one more.
      expect(await remembered(16_384)).to.be.within(3, 6)
    } finally {
      await service.stop()
    }
  })
})
