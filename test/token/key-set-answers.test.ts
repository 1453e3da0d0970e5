import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { KeySourceLog } from '../../src/token/key-source-log.js'
import { remoteKeySource } from '../../src/token/remote-key-source.js'
import { until } from '../support/processes.js'
import { ec, rsa } from '../support/tokens.js'

type Line = Readonly<{ level: string; kid?: string; reason?: string }>

describe('the answer to a request for a key set', () => {
  let answer: (response: ServerResponse) => void
  let requests = 0
  const server = createServer((_request, response) => {
    requests += 1
    answer(response)
  })
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  /** Fetches a key set so many times, 301 s apart, and gives what was logged. */
  async function linesOf(respond: typeof answer, fetches = 1): Promise<Line[]> {
    answer = respond
    let aheadMs = 0
    const lines: Line[] = []
    const at = (level: string) => (details: object) => void lines.push({ level, ...details })
    const log: KeySourceLog = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    }
    const now = () => Date.now() + aheadMs
    const uri = `${origin()}/keys?client=a-secret`
    const source = remoteKeySource({ uri, fixed: [], now, log })
    try {
      for (let fetched = 1; fetched <= fetches; fetched += 1) {
        const ended = () => lines.filter(({ level }) => /info|error/.test(level)).length
        await until('a fetch has ended', () => ended() >= fetched)
        aheadMs += 301_000
      }
      return lines
    } finally {
      source.close()
    }
  }
  const reasonOf = async (respond: typeof answer) => {
    const [{ level, reason } = { level: '' }] = await linesOf(respond)
    return `${level}: ${reason}`
  }
  const redirect = (status: number, location: string) => (response: ServerResponse) =>
    response.writeHead(status, { location }).end()

  it('that is a redirect is told with host and path, without query, user or fragment; it is not followed', async () => {
    const before = requests
    expect(await reasonOf(redirect(302, 'https://user:word@login.test/sso?code=1#x'))).to.equal(
      'error: answered 302, a redirect to https://login.test/sso, which is not followed',
    )
    expect(await reasonOf(redirect(308, '/moved/keys?code=1'))).to.equal(
      `error: answered 308, a redirect to ${origin()}/moved/keys, which is not followed`,
    )
    expect(await reasonOf(redirect(301, 'http://[broken'))).to.equal('error: answered 301')
    expect(await reasonOf((response) => response.writeHead(304).end())).to.equal(
      'error: answered 304',
    )
    for (const [status, told] of [
      [300, `300, a redirect to ${origin()}/moved, which is not followed`],
      [201, '201'],
      [404, '404'],
    ] as const)
      expect(await reasonOf(redirect(status, '/moved'))).to.equal(`error: answered ${told}`)
    expect(requests - before).to.equal(7)
  })

  it('that is HTML, no JSON, no key set or a set without a key that verifies is told as what it is', async () => {
    const answers: [string, string][] = [
      ['\ufeff \n<!doctype html><p>Sign in</p>', 'error: answered HTML or XML, no JSON'],
      ['{"keys": [a-secret]}', 'error: answered no JSON'],
      ['', 'error: answered no JSON'],
      ['null', 'error: answered JSON that is no JWKS'],
      ['{"keys":null}', 'error: answered JSON that is no JWKS'],
      ['{"keys":[]}', 'error: answered no key that verifies'],
      [
        '{"keys":[{"kty":"oct","k":"AAAA"},null]}',
        'error: answered no key that verifies; holds a symmetric key, which has to be configured as a shared secret; holds a key that is no object',
      ],
    ]
    for (const [body, expected] of answers)
      expect(await reasonOf((response) => response.end(body)), body).to.equal(expected)
  })

  it('with keys that do not verify: a warning for each, for an encryption key at debug, once', async () => {
    const jwk = (more: object) => ({ ...rsa.publicKey.export({ format: 'jwk' }), ...more })
    const keys = [
      { ...ec['ES256']!.publicKey.export({ format: 'jwk' }), kid: 'good' },
      jwk({ kid: 'enc', use: 'enc' }),
      jwk({ kid: 'oaep', alg: 'RSA-OAEP-256' }),
      jwk({ kid: 'private', d: 'AQAB' }),
      { kty: 'AKP', kid: 'new', alg: 'ML-DSA-44' },
    ]
    const lines = await linesOf((response) => response.end(JSON.stringify({ keys })), 3)
    expect(lines.map(({ level, kid = '' }) => `${level} ${kid}`)).to.deep.equal([
      'debug enc',
      'debug oaep',
      'warn private',
      'warn new',
      'info ',
      'info ',
      'info ',
    ])
  })
})
