import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { ConfigError, parseConfig } from '../../src/config/config.js'
import { createGuard } from '../../src/guard.js'
import { parsePublicKeys, parseSecrets } from '../../src/token/static-keys.js'
import { remoteKeySource } from '../../src/token/remote-key-source.js'
import { feedOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { ec, ed25519, hmacSecret, rsa } from '../support/tokens.js'

type Jwk = Record<string, unknown>
const jwkOf = (key: KeyObject): Jwk => ({ ...key.export({ format: 'jwk' }) })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
const x25519 = generateKeyPairSync('x25519').publicKey
const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
const publicKeys = [rsa, ...Object.values(ec), ed25519].map(({ publicKey }) => publicKey)

const good = fc
  .record({
    key: fc.constantFrom(...publicKeys),
    kid: fc.constantFrom(undefined, null, 'a', 'b'),
    use: fc.constantFrom(undefined, null, 'sig'),
    key_ops: fc.constantFrom(undefined, null, ['verify'], ['sign', 'verify']),
    x5c: fc.constantFrom(undefined, null, ['AAAA']),
    d: fc.constantFrom(undefined, null),
    alg: fc.constantFrom(undefined, null),
  })
  .map(({ key, ...members }): Jwk => withoutUndefined({ ...members, ...jwkOf(key) }))
const bad = fc.constantFrom<unknown>(
  null,
  7,
  'key',
  [],
  {},
  { kty: null },
  { kty: 'LWE', x: 'AQAB' },
  { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AQAB' },
  { kty: 'oct', k: 'AAAA' },
  { kty: 'EC', crv: 'P-256', x: 'AQ', y: 'AQ' },
  { kty: 'RSA', n: 7, e: 'AQAB' },
  { ...jwkOf(rsa.publicKey), n: '*' },
  { ...jwkOf(rsa.publicKey), e: null },
  { ...jwkOf(rsa.publicKey), use: 'enc' },
  { ...jwkOf(rsa.publicKey), use: 'tls' },
  { ...jwkOf(rsa.publicKey), use: 5 },
  { ...jwkOf(rsa.publicKey), key_ops: ['encrypt'] },
  { ...jwkOf(rsa.publicKey), key_ops: 'verify' },
  { ...jwkOf(rsa.publicKey), alg: 'RSA-OAEP-256' },
  { ...jwkOf(rsa.publicKey), alg: 'ES256' },
  { ...jwkOf(rsa.publicKey), kid: 5 },
  jwkOf(weak),
  jwkOf(x25519),
  jwkOf(koblitz),
)

const withoutUndefined = (jwk: Jwk): Jwk =>
  Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined))
/** What of a key verifies: its own members, and `kid`, in one order. */
const essence = (jwk: object): unknown =>
  ['kty', 'crv', 'n', 'e', 'x', 'y', 'kid'].map((member) => (jwk as Jwk)[member] ?? undefined)

const faultOf = (text: string, parse: (text: string) => unknown = parsePublicKeys): string => {
  try {
    parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('a key set', () => {
  let body = ''
  let warnings: string[] = []
  const server = createServer((_request, response) => response.end(body))
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  after(() => server.close())
  /** The keys that a remote source has loaded, as the verdict on one header each. */
  const loadRemote = async (text: string) => {
    body = text
    warnings = []
    const ended: string[] = []
    const source = remoteKeySource({
      uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
      fixed: [],
      now: Date.now,
      log: {
        debug: () => undefined,
        info: (details) => ended.push((details as { keys: number }).keys.toString()),
        warn: (details) => warnings.push((details as { reason: string }).reason),
        error: () => ended.push('failed'),
      },
    })
    await until('the fetch has ended', () => ended.length > 0)
    source.close()
    return ended[0]
  }

  it('has the keys that verify, and passes over every other, given or fetched, while one is left', async () => {
    const counts = { taken: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            good.map((jwk) => ({ jwk, isGood: true })),
            bad.map((jwk) => ({ jwk, isGood: false })),
          ),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        fc.constantFrom('', '\ufeff', ' \r\n'),
        async (members, before) => {
          const text = before + JSON.stringify({ keys: members.map(({ jwk }) => jwk), other: null })
          const expected = members.filter(({ isGood }) => isGood).map(({ jwk }) => jwk as Jwk)
          counts[expected.length > 0 ? 'taken' : 'refused'] += 1
          if (expected.length === 0) {
            expect(faultOf(text)).to.match(/^(holds|is) /)
            expect(await loadRemote(text)).to.equal('failed')
            return
          }
          const { keys, skipped } = parsePublicKeys(text)
          expect(keys.map(essence)).to.deep.equal(expected.map(essence))
          expect(skipped).to.have.length(members.length - expected.length)
          expect(await loadRemote(text)).to.equal(String(expected.length))
        },
      ),
      { numRuns: 100 },
    )
    expect(Math.min(counts.taken, counts.refused)).to.be.above(3)
  })

  it('with a private key is refused where it is given, and passes it over where it is fetched', async () => {
    const text = JSON.stringify({ keys: [jwkOf(ec['ES256']!.publicKey), jwkOf(rsa.privateKey)] })
    expect(faultOf(text)).to.equal('is a private key; give the public one')
    expect(await loadRemote(text)).to.equal('1')
    expect(warnings).to.deep.equal(['is a private key; give the public one'])
  })

  it('that is no JSON is told with the place of the fault, and is not quoted', () => {
    expect(faultOf('{"keys":\n [secret]}')).to.equal('is not JSON: line 2, column 3')
  })
})

describe('a PEM text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cierre-pem-'))
  after(() => rmSync(folder, { recursive: true }))
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  /** Every key in each of its forms. */
  const forms: { jwk: unknown; pem: string }[] = []
  before(() => {
    for (const [index, { publicKey, privateKey }] of [
      rsa,
      ...Object.values(ec),
      ed25519,
    ].entries()) {
      writeFileSync(
        join(folder, `${index}.pem`),
        privateKey.export({ type: 'pkcs8', format: 'pem' }),
      )
      const jwk = essence(jwkOf(publicKey))
      forms.push({ jwk, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() })
      forms.push({
        jwk,
        pem: openssl('req', '-x509', '-new', '-key', `${index}.pem`, '-subj', '/CN=issuer'),
      })
    }
    const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    forms.push({ jwk: essence(jwkOf(rsa.publicKey)), pem: pkcs1 })
  }).timeout(60_000)

  const foldings: readonly ((pem: string) => string)[] = [
    (pem) => pem,
    (pem) => pem.replaceAll('\n', '\r\n'),
    (pem) => pem.replaceAll('\n', '\r'),
    (pem) => pem.replaceAll('\n', ' '),
    (pem) => pem.replaceAll('\n', ''),
    (pem) => pem.replaceAll('\n', '\\n'),
    (pem) => pem.replaceAll('\n', '\\r\\n'),
    (pem) => pem.replace(/^/gm, '    '),
    (pem) => `\ufeff# the key of the issuer\n${pem}`,
  ]
  const quotings: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => `"${text}"`,
    (text) => ` '${text}'\n`,
  ]

  it('gives every key of every block, in order, in whatever way its lines were folded or quoted', () => {
    const blocks = fc.array(fc.tuple(fc.nat({ max: 10 }), fc.constantFrom(...foldings)), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(blocks, fc.constantFrom(...quotings), (chosen, quoted) => {
        const written = chosen.map(([index, fold]) => fold(forms[index]!.pem))
        const { keys } = parsePublicKeys(quoted(written.join('\n')))
        expect(keys.map(essence)).to.deep.equal(chosen.map(([index]) => forms[index]!.jwk))
      }),
      { numRuns: 200 },
    )
  })

  it('is refused, and told why, when any part of it is no public key', () => {
    const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
    const one = spki(rsa.publicKey)
    const sec1 = ec['ES256']!.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
    const half = one.slice(0, one.length / 2)
    const brainpool = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey
    const cases: [string, RegExp][] = [
      [one + sec1, /^is a private key \(EC PRIVATE KEY\); give the public one$/],
      [
        rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
        /^is a private key \(RSA PRIVATE KEY\)/,
      ],
      ['-----BEGIN ENCRYPTED PRIVATE KEY-----', /^is a private key \(ENCRYPTED PRIVATE KEY\)/],
      [spki(pss.publicKey), /^holds an RSA key that is bound to PSS \(id-RSASSA-PSS\)/],
      [one + spki(brainpool), /^holds a key that no JWT algorithm uses \(ec, brainpoolP256r1\)$/],
      [spki(koblitz), /^holds a key that no JWT algorithm uses$/],
      [spki(weak), /^holds an RSA key under 2048 bits$/],
      [one + half, /^is PEM that cannot be read$/],
      [half + one, /^is PEM that cannot be read$/],
      [one.replace('MII', 'M*I'), /^is PEM that cannot be read$/],
      [one.replace('MII', 'AII'), /^is PEM that cannot be read$/],
      [one.replace('END PUBLIC', 'END RSA PUBLIC'), /^is PEM that cannot be read$/],
      [one.replaceAll('PUBLIC KEY', 'PKCS7'), /^holds a PEM block that is no public key: PKCS7$/],
      ['ssh-rsa AAAA', /^is neither PEM/],
    ]
    for (const [text, message] of cases) expect(faultOf(text), text).to.match(message)
  })

  it('with a chain of certificates is refused: the authority that signed the first signs no tokens', () => {
    const key = join(folder, 'ca.pem')
    writeFileSync(key, ec['ES256']!.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const authority = openssl('req', '-x509', '-new', '-key', 'ca.pem', '-subj', '/CN=authority')
    writeFileSync(join(folder, 'authority.pem'), authority)
    const leaf = openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      '0.pem',
      '-subj',
      '/CN=issuer',
      '-CA',
      'authority.pem',
      '-CAkey',
      'ca.pem',
    )
    expect(parsePublicKeys(leaf).keys).to.have.length(1)
    expect(faultOf(leaf + authority)).to.match(
      /^holds a certificate and the one that it is signed by/,
    )
  })
})

describe('a shared secret', () => {
  const bytesOf = (text: string) =>
    parseSecrets(text).keys.map(({ bytes }) => bytes.toString('hex'))
  const k = Buffer.alloc(32, 0xff)
  const oct = { kty: 'oct', k: k.toString('base64url') }

  it('is the text as it stands, unless it is a JWK, a JWKS or a JSON array of texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        if (!text.includes('\ufffd'))
          expect(bytesOf(text)).to.deep.equal([Buffer.from(text, 'utf8').toString('hex')])
      }),
    )
    const asTheyStand = [
      ...['{"a":1}', '{', '["a"', '[1]', ' blanks ', '"quoted"', '[]more', 'more{}', '{} []'],
      ...['a{"keys":[]}', ' a ["one"]', 'a["one"]', '[a"one"]'],
    ]
    for (const text of asTheyStand)
      expect(bytesOf(text), text).to.deep.equal([Buffer.from(text).toString('hex')])
    expect(bytesOf(JSON.stringify(oct, null, 2))).to.deep.equal([k.toString('hex')])
    expect(bytesOf('[ \n"one"]')).to.deep.equal(['6f6e65'])
    for (const text of ['a secret', '["one"]', JSON.stringify(oct)])
      expect(parseSecrets(text).skipped).to.deep.equal([])
    expect(bytesOf(`\ufeff${JSON.stringify(oct)}\n`)).to.deep.equal([k.toString('hex')])
    expect(bytesOf(JSON.stringify(['one', 'two']))).to.deep.equal(['6f6e65', '74776f'])
  })

  it('is refused as JSON that has no secret; a JWKS without keys, as one of public keys is', () => {
    for (const text of ['[]', '{}', ' [ \n ] ', '{  }'])
      expect(faultOf(text, parseSecrets), text).to.equal('is JSON without a secret in it')
    for (const keys of ['[]', '{}', 'null', '"text"'])
      for (const parse of [parsePublicKeys, parseSecrets])
        expect(faultOf(`{\n"keys": ${keys}}`, parse)).to.equal(
          'a JWKS needs a "keys" array that is not empty',
        )
  })

  it('as a JWKS: every oct key for signatures, while one is left; each with its kid and alg', () => {
    const { keys, skipped } = parseSecrets(
      JSON.stringify({
        keys: [
          { ...oct, kid: 'a', alg: 'HS512', use: 'sig' },
          { ...oct, kid: 'b', alg: null, key_ops: null },
          { ...oct, use: 'enc' },
          { ...oct, alg: 'A256GCM' },
          jwkOf(rsa.publicKey),
          null,
        ],
      }),
    )
    expect(keys).to.deep.equal([
      { bytes: k, kid: 'a', alg: 'HS512' },
      { bytes: k, kid: 'b' },
    ])
    expect(skipped).to.have.length(4)
    expect(faultOf(JSON.stringify({ keys: [jwkOf(rsa.publicKey)] }), parseSecrets)).to.equal(
      'holds a key that is no shared secret (kty oct)',
    )
  })

  it('is refused when it is a PEM text, no UTF-8 or a broken JWK', () => {
    const pem = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }).toString()
    const cases: [string, RegExp][] = [
      [pem, /^is a PEM block, which is no shared secret/],
      [`${hmacSecret}\ufffd`, /^is no UTF-8; give a binary secret as a JWK/],
      [`${hmacSecret}\ud800`, /^is no UTF-8/],
      ['{"kty":"oct","k":"AAAA"', /^is not JSON: line 1, column 24$/],
      ['{"kty":"oct","k":"a b"}', /^holds a key that cannot be read$/],
      ['[]', /^is JSON without a secret in it$/],
      [' { }\n', /^is JSON without a secret in it$/],
    ]
    for (const [text, message] of cases) expect(faultOf(text, parseSecrets)).to.match(message)
  })

  it('in a file whose bytes are no UTF-8 is refused, and a byte order mark is no part of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cierre-secret-'))
    const file = join(folder, 'secret')
    const secretsOf = (bytes: Buffer | string) => {
      writeFileSync(file, bytes)
      try {
        const { issuers } = parseConfig({ JWT_SECRET_FILE: file, REDIS_URL: 'memory:' })
        return issuers[0]?.keys.secrets.map(({ bytes }) => bytes)
      } catch (error) {
        return (error as ConfigError).faults
      }
    }
    try {
      expect(secretsOf(k)).to.deep.equal([
        'JWT_SECRET_FILE names a file that is no UTF-8; a binary secret is given as a JWK of the type oct',
      ])
      expect(secretsOf(`\ufeff${hmacSecret}\r\n`)).to.deep.equal([Buffer.from(hmacSecret)])
      expect(secretsOf(JSON.stringify(oct))).to.deep.equal([k])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('short for its algorithm is told by its number among several', () => {
    const guardOf = (secret: object) => () =>
      createGuard({ issuers: [{ secret }], feed: feedOf('https://cierre.test') })
    expect(guardOf([hmacSecret, 'short'])).to.throw(
      'issuers[0].secret must be at least 32 bytes long for HS256: number 2 is not',
    )
    expect(guardOf([{ ...oct, alg: 'HS512' }])).to.throw('at least 64 bytes long for HS512')
    expect(guardOf([])).to.throw('issuers[0].secret must be a string that is not empty')
  })
})
