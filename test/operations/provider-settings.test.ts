import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parseConfig } from '../../src/config/config.js'
import { readGuardOptions } from '../../src/guard/options.js'
import { backchannel, verify } from '../support/asking.js'
import { globalRevocationShapes } from '../support/global-revocations.js'
import { feedOf } from '../support/guard.js'
import { claimsOfShape, logoutTokenShapes } from '../support/logout-tokens.js'
import { providerTokens, type Login, type ProviderToken } from '../support/provider-tokens.js'
import { startService, type TestService } from '../support/service.js'
import { logoutToken, nowS, pemOf, sign, type Claims } from '../support/tokens.js'
import {
  gtrAudience,
  publicUrl,
  revokeGlobally,
  transmitterVariables,
} from '../support/transmitters.js'

type Settings = Readonly<{ issuer: string; backchannelAudience?: string }>
/** A row of the table in `OPERATING.md`. */
type Row = Readonly<{
  provider: string
  settings: Settings
  endsSession: boolean
  /** Whether a logout everywhere ends what is refreshed later from an earlier login. */
  endsRefreshed: boolean
  signals: string
}>

function readRows(): Row[] {
  const [, table = ''] = readFileSync('OPERATING.md', 'utf8').split(
    /\| provider \| settings \|.*\n\|---.*\n/,
  )
  return (table.split('\n\n')[0] ?? '').split('\n').map((line) => {
    const [provider = '', settings = '', ends = '', , signals = ''] = line
      .split(' | ')
      .map((cell) => cell.replace(/^\| | \|$/g, ''))
    expect(ends).to.match(/^(?:its session|one token)/)
    expect(signals).to.match(/^(?:none|back-channel logout|Global Token Revocation)/)
    return {
      provider,
      settings: JSON.parse(settings.slice(1, -1)) as Settings,
      endsSession: ends.startsWith('its session'),
      endsRefreshed: ends.includes('its refreshed tokens, too'),
      signals,
    }
  })
}

type Transmitters = readonly [Readonly<{ issuer: string; tokenIssuers?: readonly string[] }>]

/** The rows of the table of transmitters: a provider and its `TRANSMITTERS`. */
function readTransmitters(): readonly (readonly [provider: string, Transmitters])[] {
  const [, table = ''] = readFileSync('OPERATING.md', 'utf8').split(
    /\| sender \| `TRANSMITTERS` \|.*\n\|---.*\n/,
  )
  return (table.split('\n\n')[0] ?? '').split('\n').map((line) => {
    const [provider = '', settings = ''] = line.replace(/^\| /, '').split(' | ')
    return [provider, JSON.parse(settings.slice(1, -1)) as Transmitters]
  })
}

/** The access tokens of each row, and its logout tokens. */
const shapes: Record<string, readonly [tokens: string, logoutTokens?: string]> = {
  Keycloak: ['Keycloak, access token', 'Keycloak 25 and newer'],
  Auth0: ['Auth0, access token', 'Auth0'],
  'Entra ID': ['Microsoft Entra ID, access token v2.0'],
  Okta: ['Okta, access token'],
  Cognito: ['Amazon Cognito, access token'],
  Supabase: ['Supabase, access token'],
  Firebase: ['Firebase, ID token'],
  Zitadel: ['Zitadel, access token', 'Zitadel'],
  Ory: ['Ory Hydra, access token', 'Ory Hydra'],
  Google: ['Google, ID token'],
  Clerk: ['Clerk, session token'],
  Logto: ['Logto, access token of an API resource', 'older oidc-provider, as in Logto'],
}
const shapeOf = (name: string): ProviderToken =>
  providerTokens.find(({ provider }) => provider === name) ?? expect.fail(`no shape ${name}`)
const shapeOfRow = ({ provider }: Row) => shapeOf(shapes[provider]?.[0] ?? '')

/** No two logins expire together: tokens without `jti` would be the same token. */
let logins = 0
const newLogin = (login: Partial<Login> = {}): Login => ({
  sub: randomUUID(),
  sid: randomUUID(),
  jti: randomUUID(),
  iat: nowS(-10),
  exp: nowS(600 + (logins += 1)),
  ...login,
})
/** Another token of a login, made later by its refresh token. */
const refreshed = (login: Login, iat = nowS(-5)): Login => ({
  ...login,
  jti: randomUUID(),
  iat,
  authTime: login.iat,
})
const tokenOf = (shape: ProviderToken, login: Login, more: Claims = {}) =>
  sign({ ...shape.claims(login), ...more }, shape.alg, { typ: shape.typ, ...shape.header })

/** The settings with a key of the tests in the place of the provider's key set. */
const withOwnKey = (settings: object, { alg }: ProviderToken) => ({
  ...settings,
  discovery: false,
  jwksUri: undefined,
  publicKey: pemOf(alg),
})
const startWith = (entries: object[]) => startService({ JWT_ISSUERS: JSON.stringify(entries) })

describe('the settings for providers in OPERATING.md', () => {
  const rows = readRows()
  let service: TestService
  before(async () => {
    service = await startWith(rows.map((row) => withOwnKey(row.settings, shapeOfRow(row))))
  })
  after(() => service.stop())
  const statuses = (tokens: readonly string[]) =>
    Promise.all(tokens.map(async (jwt) => (await verify(service, jwt)).status))

  it('are those of twelve providers, and right for the service and for a guard', () => {
    expect(rows.map(({ provider }) => provider)).to.deep.equal(Object.keys(shapes))
    const entries = rows.map(({ settings }) => settings)
    const { issuers } = parseConfig({
      REDIS_URL: 'memory:',
      JWT_ISSUERS: JSON.stringify(entries),
    })
    expect(issuers).to.have.length(rows.length)
    const ofGuard = entries.map((entry) =>
      Object.fromEntries(Object.entries(entry).filter(([name]) => !/^backchannel/.test(name))),
    )
    const feed = feedOf('https://cierre.test')
    expect(readGuardOptions({ issuers: ofGuard, feed }).issuers).to.have.length(rows.length)
  })

  for (const row of rows) {
    const { provider, settings, endsSession, endsRefreshed } = row
    const shape = shapeOfRow(row)

    it(`${provider}: a logout ends ${endsSession ? 'its session' : 'one token'}, and no other login`, async () => {
      const login = newLogin()
      const jwt = await tokenOf(shape, login)
      const sibling = await tokenOf(shape, refreshed(login))
      const other = await tokenOf(shape, newLogin({ sub: login.sub }))
      expect(await statuses([jwt, sibling, other])).to.deep.equal([200, 200, 200])
      const warned = service
        .logged()
        .filter(({ msg }) => String(msg).startsWith('verified tokens'))
        .filter(({ issuer }) => issuer === settings.issuer)
        .map(({ msg }) => String(msg).slice(0, 31))
      expect(warned).to.deep.equal(endsSession ? [] : ['verified tokens name no session'])
      expect((await service.logout(jwt)).status).to.equal(200)
      expect(await statuses([jwt, sibling, other])).to.deep.equal([
        401,
        endsSession ? 401 : 200,
        200,
      ])
    })

    it(`${provider}: a logout everywhere ends every earlier ${endsRefreshed ? 'login, refreshed tokens, too' : 'token'}`, async () => {
      const login = newLogin()
      const other = newLogin({ sub: login.sub })
      const jwt = await tokenOf(shape, login)
      const earlier = await tokenOf(shape, other)
      const later = await tokenOf(shape, refreshed(other, nowS(30)))
      const next = await tokenOf(shape, newLogin({ sub: login.sub, iat: nowS(30) }))
      const stranger = await tokenOf(shape, newLogin())
      expect((await service.logout(jwt, { token: jwt, scope: 'global' })).status).to.equal(200)
      expect(await statuses([jwt, earlier, later, next, stranger])).to.deep.equal([
        401,
        401,
        endsRefreshed ? 401 : 200,
        200,
        200,
      ])
    })

    it(`${provider}: ${row.signals}`, async () => {
      const login = newLogin()
      const claims = shape.claims(login)
      const jwt = await tokenOf(shape, login)
      const other = await tokenOf(shape, newLogin({ sub: login.sub }))
      const next = await tokenOf(shape, newLogin({ sub: login.sub, iat: nowS(30) }))
      const logoutShape = logoutTokenShapes.find((one) => one.provider === shapes[provider]?.[1])
      const names = {
        iss: claims.iss,
        sub: String(claims['sub']),
        sid: login.sid,
        aud: settings.backchannelAudience ?? 'app',
      }
      const signal = await logoutToken(
        logoutShape === undefined ? names : claimsOfShape(logoutShape, names),
        { typ: logoutShape?.typ ?? 'logout+jwt' },
        shape.alg,
      )
      const { status } = await backchannel(service, signal)
      expect(status).to.equal(logoutShape === undefined ? 400 : 200)
      const isEnded = logoutShape !== undefined && !row.signals.includes('ends no access token')
      const endsUser = isEnded && row.signals.includes('ends the earlier tokens of the user')
      expect(await statuses([jwt, other, next])).to.deep.equal([
        isEnded ? 401 : 200,
        endsUser ? 401 : 200,
        200,
      ])
    })
  }

  it('Cognito: the session is that of the ID token, too', async () => {
    const [access, id] = [
      shapeOf('Amazon Cognito, access token'),
      shapeOf('Amazon Cognito, ID token'),
    ]
    const login = newLogin()
    const { iss } = access.claims(login)
    const [jwt, idToken] = [await tokenOf(access, login), await tokenOf(id, login, { iss })]
    expect(await statuses([idToken])).to.deep.equal([200])
    expect((await service.logout(jwt)).status).to.equal(200)
    expect(await statuses([idToken])).to.deep.equal([401])
  })
})

describe('the transmitters in OPERATING.md', () => {
  const rows = readRows()

  it('are those of Okta and Auth0, and right as they stand', () => {
    const transmitters = readTransmitters()
    expect(transmitters.map(([provider]) => provider)).to.deep.equal(['Okta', 'Auth0'])
    const config = parseConfig({
      REDIS_URL: 'memory:',
      PUBLIC_URL: publicUrl,
      JWT_ISSUERS: JSON.stringify(rows.map(({ settings }) => settings)),
      TRANSMITTERS: JSON.stringify(transmitters.flatMap(([, entries]) => entries)),
    })
    expect(config.transmitters.map(({ audience }) => audience)).to.deep.equal([
      [gtrAudience],
      [gtrAudience],
    ])
  })

  for (const [provider, [entry]] of readTransmitters()) {
    const row = rows.find((one) => one.provider === provider) ?? expect.fail(provider)
    const shape = shapeOfRow(row)
    const requests = globalRevocationShapes.filter(({ sender }) => sender.startsWith(provider))
    let service: TestService
    before(async () => {
      service = await startService({
        JWT_ISSUERS: JSON.stringify([withOwnKey(row.settings, shape)]),
        ...transmitterVariables(withOwnKey(entry, shape)),
      })
    })
    after(() => service.stop())

    for (const { sender, typ, claims, body, status } of requests)
      it(`${status} for the request of ${sender}: ${status === 204 ? 'every earlier token of the user ends' : 'nothing ends'}`, async () => {
        const login = newLogin()
        const { iss, sub } = shape.claims(login)
        const tokens = [
          await tokenOf(shape, login),
          await tokenOf(shape, newLogin({ sub: login.sub })),
          await tokenOf(shape, newLogin({ sub: login.sub, iat: nowS(30) })),
          await tokenOf(shape, newLogin()),
        ]
        const names = { sender: entry.issuer, aud: gtrAudience, iss, sub: String(sub) }
        const jwt = await sign(claims(names), shape.alg, { typ, kid: 'of a test' })
        const answer = await revokeGlobally(service, jwt, body(names))
        expect(answer.status).to.equal(status)
        const found = await Promise.all(
          tokens.map(async (one) => (await verify(service, one)).status),
        )
        const ended = status === 204 ? 401 : 200
        expect(found).to.deep.equal([ended, ended, 200, 200])
      })
  }
})

describe('what makes the session of a provider whole, or lacks it', () => {
  const rows = readRows()
  const logOutOne = async (provider: string, settings: object, more: (login: Login) => Claims) => {
    const row = rows.find((one) => one.provider === provider) ?? expect.fail(provider)
    const shape = shapeOfRow(row)
    const service = await startWith([withOwnKey({ ...row.settings, ...settings }, shape)])
    try {
      const login = newLogin()
      const again = refreshed(login)
      const otherLogin = newLogin({ sub: login.sub })
      const [jwt, sibling, other] = [
        await tokenOf(shape, login, more(login)),
        await tokenOf(shape, again, more(again)),
        await tokenOf(shape, otherLogin, more(otherLogin)),
      ]
      expect((await service.logout(jwt)).status).to.equal(200)
      return [(await verify(service, sibling)).status, (await verify(service, other)).status]
    } finally {
      await service.stop()
    }
  }

  it('Auth0: an Action that writes the id of the session into a claim', async () => {
    const name = 'https://app.example.com/session'
    const ended = await logOutOne('Auth0', { sessionClaim: name }, ({ sid }) => ({ [name]: sid }))
    expect(ended).to.deep.equal([401, 200])
  })

  it('Ory: a consent app that writes the id of the session into sid', async () =>
    expect(await logOutOne('Ory', {}, ({ sid }) => ({ sid }))).to.deep.equal([401, 200]))

  it('Keycloak: older realms have session_state in the place of sid', async () => {
    const older = ({ sid }: Login) => ({ sid: undefined, session_state: sid })
    expect(await logOutOne('Keycloak', {}, older)).to.deep.equal([401, 200])
  })

  it('Entra ID: without the optional claim sid one token ends', async () =>
    expect(await logOutOne('Entra ID', {}, () => ({ sid: undefined }))).to.deep.equal([200, 200]))

  it('Entra ID: a token of one tenant with the iss of another one is refused', async () => {
    const row = rows.find(({ provider }) => provider === 'Entra ID') ?? expect.fail()
    const shape = shapeOfRow(row)
    const service = await startWith([withOwnKey(row.settings, shape)])
    try {
      const jwt = await tokenOf(shape, newLogin(), { tid: randomUUID() })
      expect((await verify(service, jwt)).status).to.equal(401)
    } finally {
      await service.stop()
    }
  })
})
