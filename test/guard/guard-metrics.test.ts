import { expect } from 'chai'
import { Registry } from 'prom-client'
import type { Guard } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { startIssuer } from '../support/issuer.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, nowS, token } from '../support/tokens.js'

describe('guard.metrics(register), with a registry of prom-client', () => {
  let issuer: Awaited<ReturnType<typeof startIssuer>>
  let service: TestService
  let guard: Guard
  const register = new Registry()
  before(async () => {
    issuer = await startIssuer()
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin, {
      issuers: [
        { issuer: 'https://issuer.test', secret: hmacSecret },
        { issuer: issuer.origin, jwksUri: issuer.jwksUri },
      ],
    })
    guard.metrics(register)
  })
  after(async () => {
    await guard.close()
    await service.stop()
    await issuer.stop()
  })

  const values = async () => {
    const text = await register.metrics()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return Object.fromEntries(
      lines.map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at).replace('cierre_guard_', ''), Number(line.slice(at + 1))]
      }),
    )
  }
  const checks = async () => {
    const all = Object.entries(await values())
    return Object.fromEntries(
      all.flatMap(([name, value]) => {
        const outcome = /^checks_total\{outcome="(\w+)"\}$/.exec(name)?.[1]
        return outcome === undefined ? [] : [[outcome, value]]
      }),
    )
  }
  const none = { active: 0, revoked: 0, token_missing: 0, invalid_token: 0, token_expired: 0 }

  it('says that the guard is fresh, what it holds, and how its checks ended', async () => {
    await guard.ready()
    expect(await checks()).to.deep.equal({ ...none, unknown: 0 })
    const [good, revoked] = [await token(), await token()]
    expect((await service.logout(revoked)).status).to.equal(200)
    await until('the guard knows', async () => (await statusOf(guard, revoked)) === 401)
    await guard.check(`Bearer ${good}`)
    for (const header of [undefined, 'Bearer x', `Bearer ${await token({ exp: nowS(-90) })}`])
      await guard.check(header).catch(() => undefined)
    const { active = 0, ...refused } = await checks()
    // The revoked token may have been let pass before the guard knew.
    expect(active).to.be.at.least(1)
    expect(refused).to.deep.equal({
      revoked: 1,
      token_missing: 1,
      invalid_token: 1,
      token_expired: 1,
      unknown: 0,
    })
    const all = await values()
    expect(all).to.include({
      fresh: 1,
      revocations: 1,
      tokens: 2,
      watched_tokens: 0,
      snapshots_total: 1,
    })
    expect(all['revocations_bytes']).to.equal(guard.stats().bytes)
    expect(all['staleness_seconds']).to.be.within(0, 60)
    const label = `{issuer="${issuer.origin}"}`
    expect(all[`key_set_age_seconds${label}`]).to.be.within(0, 60)
    expect(all[`key_set_failures_total${label}`]).to.equal(0)
  })

  it('has help and type for each metric, and keeps its counts when the registry is reset', async () => {
    const text = await register.metrics()
    const names = [...text.matchAll(/^# TYPE (\w+) (?:gauge|counter)$/gm)].map(([, name]) => name)
    expect(names).to.have.lengthOf(12)
    for (const name of names) expect(text).to.match(new RegExp(`^# HELP ${name} \\S`, 'm'))
    const before = await checks()
    register.resetMetrics()
    expect(await checks()).to.deep.equal(before)
  })

  it('counts unknown, and is not fresh, once the guard is closed', async () => {
    const before = await checks()
    await guard.close()
    expect(await statusOf(guard, await token())).to.equal(503)
    expect(await checks()).to.deep.equal({ ...before, unknown: 1 })
    expect((await values())['fresh']).to.equal(0)
  })
})
