import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { backchannel, verify } from '../support/asking.js'
import {
  claimsOfShape,
  logoutTokenShapes,
  type LogoutTokenShape,
} from '../support/logout-tokens.js'
import { startService, type TestService } from '../support/service.js'
import { logoutToken, pemOf, token } from '../support/tokens.js'

type Settings = LogoutTokenShape['settings']

/** The settings without one of them, each time another one. */
function settingsLackingOne({ backchannelTyp, backchannelAllow = [] }: Settings): Settings[] {
  const lackingOneAllowance = backchannelAllow.map((left) => ({
    backchannelAllow: backchannelAllow.filter((one) => one !== left),
  }))
  return backchannelTyp === undefined ? lackingOneAllowance : [{}]
}

const issuerOf = (shape: LogoutTokenShape, lack: number | 'nothing' = 'nothing') =>
  `https://provider.test/${logoutTokenShapes.indexOf(shape)}/lacks/${lack}`

describe('the logout tokens of providers', () => {
  let service: TestService
  before(async () => {
    const entry = (issuer: string, settings: Settings) => ({
      issuer,
      publicKey: pemOf('RS256'),
      backchannelAudience: 'app',
      ...settings,
    })
    service = await startService({
      JWT_ISSUERS: JSON.stringify(
        logoutTokenShapes.flatMap((shape) => [
          entry(issuerOf(shape), shape.settings),
          ...settingsLackingOne(shape.settings).map((settings, lack) =>
            entry(issuerOf(shape, lack), settings),
          ),
        ]),
      ),
    })
  })
  after(() => service.stop())

  const logOut = async (shape: LogoutTokenShape, iss: string) => {
    const [sub, sid] = [randomUUID(), randomUUID()]
    const accessToken = await token({ iss, sub, sid }, 'RS256')
    const claims = claimsOfShape(shape, { iss, sub, sid, aud: 'app' })
    const { status } = await backchannel(
      service,
      await logoutToken(claims, { typ: shape.typ }, 'RS256'),
    )
    return [status, (await verify(service, accessToken)).status]
  }

  for (const shape of logoutTokenShapes) {
    const { provider, settings } = shape
    it(`200, and the token is refused: ${provider}, with ${JSON.stringify(settings)}`, async () =>
      expect(await logOut(shape, issuerOf(shape))).to.deep.equal([200, 401]))

    for (const lack of settingsLackingOne(settings).keys())
      it(`400, and the token works: ${provider}, without setting ${lack + 1}`, async () =>
        expect(await logOut(shape, issuerOf(shape, lack))).to.deep.equal([400, 200]))
  }

  it('are those of the table in OPERATING.md', () => {
    const page = readFileSync('OPERATING.md', 'utf8')
    const [, table = ''] = page.split(
      '| provider | `typ` | `exp` | names | settings |\n|---|---|---|---|---|\n',
    )
    const rows = (table.split('\n\n')[0] ?? '').split('\n').map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    const withoutRemarks = rows.map(([provider, typ = '', exp, names = '', settings = '']) => [
      provider,
      typ,
      exp,
      names.replace(/;.*$/, ''),
      settings,
    ])
    expect(withoutRemarks).to.deep.equal(logoutTokenShapes.map(rowOf))
  })
})

function rowOf({ provider, typ, lifetimeS, names, settings }: LogoutTokenShape): string[] {
  const { backchannelTyp, backchannelAllow = [] } = settings
  const allow = backchannelAllow.map((one) => `\`${one}\``).join(', ')
  return [
    provider,
    `\`${typ}\``,
    lifetimeS === undefined ? 'no' : 'yes',
    names.map((name) => `\`${name}\``).join(', '),
    backchannelTyp === undefined ? allow : `\`backchannelTyp\`: \`${backchannelTyp}\``,
  ]
}
