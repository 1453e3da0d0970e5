import { expect } from 'chai'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { createReloadable } from '../../src/service/reloadable.js'
import { clientsVariable } from '../support/clients.js'
import { hmacSecret, token } from '../support/tokens.js'

const log = pino({ level: 'silent' })
const otherSecret = `another ${hmacSecret}`
const configOf = (env: Record<string, string>) => parseConfig({ REDIS_URL: 'memory:', ...env })
const startWith = (env: Record<string, string>) =>
  createReloadable({ config: configOf(env), log, now: Date.now })

describe('a reload', () => {
  it('replaces the keys of issuers: the same verification then refuses a token that it accepted', async () => {
    const reloadable = startWith({ JWT_SECRET: hmacSecret })
    const { verification } = reloadable
    const jwt = await token()
    expect((await verification.verify(jwt)).timing).to.equal('current')
    reloadable.reload(configOf({ JWT_SECRET: otherSecret }))
    const refused = await verification.verify(jwt).catch((error: unknown) => error)
    expect(refused).to.include({ code: 'invalid_token', reason: 'signature' })
    reloadable.close()
  })

  it('replaces the machine clients, and returns whether they differ', () => {
    const reloadable = startWith({ JWT_SECRET: hmacSecret })
    const withClients = configOf({ JWT_SECRET: hmacSecret, CLIENTS: clientsVariable })
    expect(reloadable.clients()).to.deep.equal([])
    expect(reloadable.reload(withClients)).to.deep.equal({ clientsDiffer: true })
    expect(reloadable.clients().map(({ id }) => id)).to.include('narrow')
    expect(reloadable.reload(withClients)).to.deep.equal({ clientsDiffer: false })
    reloadable.close()
  })

  it('keeps a throwaway key', () => {
    const reloadable = startWith({})
    const [before] = reloadable.keySources()
    reloadable.reload(configOf({}))
    expect(reloadable.keySources()).to.deep.equal([before])
    reloadable.close()
  })

  it('keeps a key source whose key stays: it does not fetch its keys again', () => {
    const reloadable = startWith({ JWT_SECRET: hmacSecret })
    const [before] = reloadable.keySources()
    reloadable.reload(configOf({ JWT_SECRET: hmacSecret, JWT_AUDIENCE: 'app' }))
    expect(reloadable.keySources()).to.deep.equal([before])
    expect(reloadable.issuers()[0]?.audience).not.to.equal(undefined)
    reloadable.close()
  })
})
