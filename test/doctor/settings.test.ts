import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readConfigurationFile } from '../../src/doctor/configuration-file.js'
import { readSettings } from '../../src/doctor/settings.js'
import { fill } from '../../src/doctor/template.js'

const least = {
  login: 'http://127.0.0.1:1/login',
  logout: 'http://127.0.0.1:1/logout',
  protected: 'http://127.0.0.1:1/me',
}
const faultsOf = (work: () => unknown): string[] => {
  try {
    work()
    return []
  } catch (error) {
    return (error as Error).message.split('\n')
  }
}

describe('the configuration of the doctor', () => {
  it('bad: every fault at once, with its path', () => {
    const faults = faultsOf(() =>
      readSettings(
        {
          login: { url: 'ftp://host/', tokn: 'a' },
          logout: { url: 'http://127.0.0.1:1/', headers: { Authorization: 1 }, method: 'post' },
          protected: ['not an address', { url: 'http://127.0.0.1:1/', contains: 7 }],
          refresh: 'somewhere',
          connection: { url: 'mailto:a@b', protocols: 'x' },
          sign: { secret: 'a', privateKey: 'b' },
          store: { start: 'x' },
          origin: 'https://app.example.com/',
          limits: { requests: 0, second: 1 },
          extra: 1,
        },
        'doctor.yaml',
      ),
    )
    expect(faults).to.deep.equal([
      'doctor.yaml: the configuration has members that are not known: extra',
      'doctor.yaml: login has members that are not known: tokn (did you mean token?)',
      'doctor.yaml: login.url must be an address with http: or https:',
      'doctor.yaml: logout.headers.Authorization must be a string that is not empty',
      'doctor.yaml: logout.method must be a method such as POST',
      'doctor.yaml: protected[0] must be an address such as http://127.0.0.1:8080/path or POST http://…, or an object with `url`',
      'doctor.yaml: protected[1].contains must be a string that is not empty',
      'doctor.yaml: refresh must be an address such as http://127.0.0.1:8080/path or POST http://…, or an object with `url`',
      'doctor.yaml: connection.url must be an address with ws:, wss:, http: or https:',
      'doctor.yaml: connection.protocols must be an array of texts',
      'doctor.yaml: sign must have either `secret` or `privateKey`',
      'doctor.yaml: store.stop must be a string that is not empty',
      'doctor.yaml: origin must be an origin such as https://app.example.com',
      'doctor.yaml: limits has members that are not known: second (did you mean seconds?)',
      'doctor.yaml: limits.requests must be a whole number from 1 to 100000',
    ])
  })

  it('empty: says what is needed', () => {
    for (const given of [{}, null])
      expect(faultsOf(() => readSettings(given, 'cierre doctor'))[0]).to.match(
        /^cierre doctor: (?:login is missing|the configuration must be an object)/,
      )
    expect(faultsOf(() => readSettings({}, 'x'))).to.deep.equal([
      'x: login is missing: a command that prints a token, an address, or an object',
      'x: logout is missing: an address, or an object with `url`',
      'x: protected is missing: one address or several that need a token',
    ])
  })

  it('a request has the token where the template says, else as a bearer; `named` in body and address', () => {
    const values = { token: 'MINE', named: 'THEIRS', refreshToken: 'R' }
    const logoutOf = (logout: unknown) =>
      fill(readSettings({ ...least, logout }, 'x').logout, values)
    expect(logoutOf(least.logout)).to.deep.equal({
      method: 'POST',
      url: least.logout,
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer MINE' },
      body: '{"token":"THEIRS"}',
    })
    expect(
      logoutOf({
        method: 'DELETE',
        url: `${least.logout}?t={token}`,
        headers: { Cookie: 'sid={token}' },
        form: { a: '{token}', b: '{refreshToken}&' },
      }),
    ).to.deep.equal({
      method: 'DELETE',
      url: `${least.logout}?t=THEIRS`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: 'sid=MINE' },
      body: 'a=THEIRS&b=R%26',
    })
    expect(logoutOf({ url: least.logout }).headers).to.deep.equal({ Authorization: 'Bearer MINE' })
  })

  describe('as a file', () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'cierre-doctor-'))
    })
    after(() => rmSync(folder, { recursive: true }))
    const read = (text: string, env: Record<string, string> = {}) => {
      const path = join(folder, 'doctor.yaml')
      writeFileSync(path, text)
      return readConfigurationFile(path, env)
    }

    it('takes variables of the environment, and leaves those of commands to the shell', () => {
      const text =
        'login: { command: "echo ${A}" }\notherLogin: echo ${A}\nsign: { secret: "${A}" }'
      expect(read(text, { A: 'a "secret"' })).to.deep.equal({
        login: { command: 'echo ${A}' },
        otherLogin: 'echo ${A}',
        sign: { secret: 'a "secret"' },
      })
    })

    it('bad: names every place, and quotes no value', () => {
      const path = join(folder, 'doctor.yaml')
      expect(
        faultsOf(() => read('protected: ["${A}", x]\nsign: { secret: "${B}" }')),
      ).to.deep.equal([
        `${path}: protected[0] needs the variable A, which is not set`,
        `${path}: sign.secret needs the variable B, which is not set`,
      ])
      const faults = faultsOf(() => read('login: [\nlogout: "secret-value\nlogin: 1\n'))
      expect(faults.length).to.be.at.least(1)
      for (const fault of faults)
        expect(fault)
          .to.match(/doctor\.yaml:\d+:\d+: /)
          .and.not.to.include('secret-value')
      expect(faultsOf(() => readConfigurationFile(join(folder, 'none'), {}))[0]).to.match(
        /none cannot be read: ENOENT$/,
      )
    })
  })
})
