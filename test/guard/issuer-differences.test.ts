import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import { createIssuerComparison, type ServiceIssuer } from '../../src/guard/issuer-differences.js'
import { parseGuardEntries } from '../../src/token/issuer-entries.js'
import { createFaults } from '../../src/token/options.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

const standard = { sessionClaim: ['sid'], subjectClaim: 'sub', cutoffClaim: 'iat' } as const
const [one, two, template] = ['https://one.test', 'https://two.test', 'https://{tid}.test']

describe('the issuers of a guard beside those of the service', () => {
  const warningsOf = (
    own: readonly object[],
    ...answers: (readonly ServiceIssuer[] | undefined)[]
  ): string[] => {
    const faults = createFaults()
    const entries = own.map((issuer) => ({ secret: hmacSecret, audience: 'api', ...issuer }))
    const issuers = parseGuardEntries(entries, 'iat', faults.of('issuers'))
    expect(faults.lines()).to.deep.equal([])
    const warnings: string[] = []
    const compare = createIssuerComparison(issuers, ({ message }) => warnings.push(message))
    answers.forEach(compare)
    return warnings
  }
  const service = (issuer: string | null, more: Partial<ServiceIssuer> = {}): ServiceIssuer => ({
    issuer,
    ...standard,
    ...more,
  })

  it('are no reason to warn when the claims are the same, or the service says nothing', () => {
    for (const [own, theirs] of [
      [{ issuer: one }, [service(one), service(two, { subjectClaim: 'oid' })]],
      [{ issuer: one }, [service(null)]],
      [{}, [service(one)]],
      [{}, [service(one, { subjectClaim: 'oid' }), service(two)]],
      [{ issuer: template }, [service(template)]],
      [{ issuer: one }, [service(template)]],
      [{ issuer: template }, [service(one)]],
      [{ issuer: one, sessionClaim: ['a', 'b'] }, [service(one, { sessionClaim: ['a', 'b'] })]],
      [{ issuer: one, subjectClaim: 'oid' }, undefined],
    ] as const)
      expect(warningsOf([own], theirs), JSON.stringify([own, theirs])).to.deep.equal([])
  })

  it('are named once with the claims that differ, and again when the service has others', () => {
    const differing = 'for the issuer https://one.test: tokens that it has revoked may pass here'
    const others = [service(one, { sessionClaim: ['session_id'], cutoffClaim: 'auth_time' })]
    expect(warningsOf([{ issuer: one }], others, others)).to.deep.equal([
      `the service has another sessionClaim, cutoffClaim ${differing}`,
    ])
    expect(
      warningsOf(
        [{ issuer: one }],
        others,
        [service(one)],
        [service(one, { subjectClaim: 'oid' })],
      ),
    ).to.have.length(2)
    expect(warningsOf([{ issuer: one }, { issuer: two }], [service(two)])).to.deep.equal([
      'the service revokes no tokens of the issuer https://one.test',
    ])
  })

  it('are not compared where the service has very many, and the guard is fresh all the same', async () => {
    const issuers = Array.from({ length: 400 }, (_, index) => ({
      issuer: `https://tenant-${index}.test`,
      secret: hmacSecret,
    }))
    const running = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify(issuers),
      JWT_SECRET: '',
    })
    const guard = startGuard(running.origin, { issuers: [{ issuer: one, secret: hmacSecret }] })
    const warnings: string[] = []
    guard.on('warning', ({ message }) => warnings.push(message))
    try {
      await guard.ready()
      expect([guard.stats().fresh, warnings]).to.deep.equal([true, []])
    } finally {
      await guard.close()
      await running.stop()
    }
  })

  it('a guard with another claim lets a token pass that was revoked by its session, and warns of it', async () => {
    const issuer = { issuer: 'https://issuer.test', secret: hmacSecret }
    const running = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([{ ...issuer, sessionClaim: 'session_id' }]),
      JWT_SECRET: '',
    })
    const guards: Guard[] = []
    const open = (settings: object) => {
      const warnings: string[] = []
      const guard = startGuard(running.origin, { issuers: [{ ...issuer, ...settings }] })
      guard.on('warning', ({ message }) => warnings.push(message))
      guards.push(guard)
      return { guard, warnings }
    }
    try {
      const [same, other] = [open({ sessionClaim: 'session_id' }), open({})]
      for (const { guard } of [same, other]) await guard.ready()
      await until('it warns', () => other.warnings.length > 0)
      expect([same.warnings, other.warnings]).to.deep.equal([
        [],
        [
          'the service has another sessionClaim for the issuer https://issuer.test: tokens that it has revoked may pass here',
        ],
      ])
      const jwt = await token({ session_id: 'a' })
      expect((await running.logout(jwt)).status).to.equal(200)
      await until('it is refused', async () => (await statusOf(same.guard, jwt)) === 401)
      expect(await statusOf(other.guard, jwt), 'what the warning is about').to.equal(200)
    } finally {
      for (const guard of guards) await guard.close()
      await running.stop()
    }
  })
})
