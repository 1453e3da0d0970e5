import { createHmac, constants, sign as signBytes, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { errors, importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose'
import { ServiceError } from '../../src/errors.js'
import { standardMapping } from '../../src/token/claim-mapping.js'
import type { PublicJwk } from '../../src/token/key-material.js'
import { fixedKeySource, secretKeySource } from '../../src/token/key-source.js'
import { parseCanonical } from '../../src/token/canonical-encoding.js'
import { createVerification, type Issuer } from '../../src/token/verification.js'
import { repeats } from '../support/long.js'
import { algorithms, hmacSecret, keyPairOf } from '../support/tokens.js'

// A scale of 1 is about 20,000 tokens, fewer of an algorithm that takes longer.
const scale = Number(process.env['DIFFERENTIAL'] ?? repeats(0.25, 1))
const tokensOf = (algorithm: string) =>
  Math.ceil(
    scale *
      ({ RS: 400, PS: 400, ES: algorithm === 'ES256' ? 1_500 : 200 }[algorithm.slice(0, 2)] ??
        3_000),
  )
const nowMs = 1_795_000_000_500
const nowS = Math.floor(nowMs / 1000)
const skewS = 60
const demands = { issuer: 'https://issuer.test', audience: ['api', 'other'], typ: 'at+jwt' }

type Algorithm = (typeof algorithms)[number]
const hashOf = (algorithm: string) => `sha${algorithm.slice(2)}`
const encode = (value: string | Buffer) => Buffer.from(value).toString('base64url')

/** A right signature of this algorithm over any input; the header may name another algorithm. */
function signatureOf(algorithm: string, input: string, key: KeyObject | string): Buffer {
  const bytes = Buffer.from(input)
  if (typeof key === 'string') return createHmac(hashOf(algorithm), key).update(bytes).digest()
  if (algorithm.startsWith('PS'))
    return signBytes(hashOf(algorithm), bytes, {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })
  if (algorithm.startsWith('Ed')) return signBytes(null, bytes, key)
  return signBytes(hashOf(algorithm), bytes, { key, dsaEncoding: 'ieee-p1363' })
}
const signingKey = (algorithm: Algorithm) =>
  algorithm.startsWith('HS') ? hmacSecret : keyPairOf(algorithm).privateKey

const issuerFor = (algorithm: Algorithm, demanding: boolean): Issuer => ({
  ...standardMapping,
  algorithms: [algorithm],
  requireExp: false,
  sessionMaxLifetimeS: 1,
  sessionKeys: [],
  backchannelTyp: 'logout+jwt',
  backchannelAllow: [],
  backchannelScope: 'both',
  ...(demanding && demands),
  keys: algorithm.startsWith('HS')
    ? secretKeySource([{ bytes: Buffer.from(hmacSecret) }], [algorithm])
    : fixedKeySource([keyPairOf(algorithm).publicKey.export({ format: 'jwk' }) as PublicJwk]),
})

async function oracle(algorithm: Algorithm, demanding: boolean) {
  const key = algorithm.startsWith('HS')
    ? await crypto.subtle.importKey(
        'raw',
        Buffer.from(hmacSecret),
        { name: 'HMAC', hash: `SHA-${algorithm.slice(2)}` },
        false,
        ['verify'],
      )
    : ((await importJWK(
        keyPairOf(algorithm).publicKey.export({ format: 'jwk' }) as JWK,
        algorithm,
      )) as CryptoKey)
  // The tolerance is for `nbf` alone; `exp` is compared with the clock below.
  const options = {
    algorithms: [algorithm],
    currentDate: new Date(nowMs),
    clockTolerance: skewS,
    ...(demanding && demands),
  }
  return async (jwt: string): Promise<unknown> => {
    try {
      const { payload: claims } = await jwtVerify(jwt, key, options)
      return {
        timing: claims.exp !== undefined && claims.exp * 1000 <= nowMs ? 'expired' : 'current',
        claims,
      }
    } catch (error) {
      return error instanceof errors.JWTExpired
        ? { timing: 'expired', claims: error.payload }
        : undefined
    }
  }
}

const numbers = fc.oneof(
  fc.constantFrom(
    nowS,
    nowS - 1,
    nowS + 1,
    nowS + 600,
    nowS - 600,
    nowS + 60,
    nowS + 62,
    nowS + 0.5,
    nowS + 0.4999,
    0,
    -1,
    1e300,
    Number.MAX_SAFE_INTEGER,
  ),
  fc.double(),
  fc.constantFrom('1', null, true, [nowS], {}),
)
const strings = fc.oneof(
  fc.constantFrom('https://issuer.test', 'api', 'other', 'apis', '', 'at+jwt'),
  fc.string({ unit: 'binary' }),
  fc.string(),
)
const audiences = fc.oneof(
  strings,
  fc.array(fc.oneof(strings, fc.integer()), { maxLength: 3 }),
  fc.constantFrom(null, 1, {}),
)
const claimsArbitrary = fc.record(
  {
    iss: strings,
    sub: strings,
    aud: audiences,
    jti: strings,
    sid: strings,
    iat: numbers,
    nbf: numbers,
    exp: numbers,
    nested: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
const good = { iss: 'https://issuer.test', aud: 'api', exp: nowS + 600, iat: nowS }
const names = ['iss', 'sub', 'aud', 'jti', 'sid', 'iat', 'nbf', 'exp', 'nested'] as const
const goodOrNot = fc
  .tuple(claimsArbitrary, fc.subarray([...names], { maxLength: 2 }), fc.nat(5))
  .map(([odd, some, how]) => {
    const few = Object.fromEntries(
      Object.entries(odd).filter(([name]) => some.includes(name as 'iss')),
    )
    return how === 0 ? odd : how < 4 ? { ...good, ...few } : good
  })
const headerArbitrary = fc
  .record(
    {
      typ: fc.constantFrom(
        'at+jwt',
        'AT+JWT',
        'application/at+jwt',
        'application/AT+jwt',
        'JWT',
        'dpop+jwt',
        'application/secevent+JWT',
        '',
        1,
        null,
      ),
      crit: fc.constantFrom(['b64'], [], ['exp'], null, 'b64', 1),
      b64: fc.constantFrom(true, false, 'true'),
      kid: fc.constantFrom('a', '', 1, null),
      jku: fc.constant('http://127.0.0.1:1/'),
      cty: fc.string(),
    },
    { requiredKeys: [] },
  )
  .chain((odd) =>
    fc.constantFrom<Record<string, unknown>>(
      odd,
      {},
      ...Array.from({ length: 4 }, () => ({ typ: 'at+jwt' })),
    ),
  )
const algArbitrary = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('none', 'None', 'HS256', 'RS256', 'ES256', 'EdDSA', '', 1, null, [
      'HS256',
    ]),
  },
)

/** The JSON of a value, or a variant that parsers disagree on. */
const written = (value: object) =>
  fc
    .constantFrom<(text: string) => string | Buffer>(
      ...Array.from({ length: 16 }, () => (text: string) => text),
      (text) => ` ${text}\n`,
      (text) => `\uFEFF${text}`,
      (text) => text.slice(0, -1),
      (text) => `[${text}]`,
      () => 'null',
      () => '"text"',
      () => '',
      (text) =>
        Buffer.concat([
          Buffer.from(text.slice(0, -1)),
          Buffer.from(`${text === '{}' ? '' : ','}"x":"`),
          Buffer.from([0xc3, 0x28]),
          Buffer.from('"}'),
        ]),
      (text) => `${text.slice(0, -1)}${text === '{}' ? '' : ','}"exp":1e999}`,
      (text) =>
        `${text.slice(0, -1)}${text === '{}' ? '' : ','}"iss":"https://issuer.test","__proto__":{"aud":"api"}}`,
    )
    .map((write) => write(JSON.stringify(value)))

/** What is changed in a token after it was signed. */
const mutation = fc.oneof(
  { weight: 6, arbitrary: fc.constant((jwt: string) => jwt) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom(...'AZaz09-_=+/.\t é')).map(
      ([at, letter]) =>
        (jwt: string) =>
          `${jwt.slice(0, at % jwt.length)}${letter}${jwt.slice((at % jwt.length) + 1)}`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom(...'A=. ')).map(
      ([at, letter]) =>
        (jwt: string) =>
          jwt.slice(0, at % (jwt.length + 1)) + letter + jwt.slice(at % (jwt.length + 1)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(20).map((cut) => (jwt: string) => jwt.slice(0, jwt.length - cut)),
  },
)

const tokenArbitrary = fc
  .record({
    header: fc.tuple(headerArbitrary, algArbitrary),
    claims: goodOrNot,
    mutate: mutation,
    demanding: fc.boolean(),
    otherKey: fc.constantFrom(false, false, false, false, true),
  })
  .chain((parts) => {
    const [header, alg] = parts.header
    return fc.record({
      headerOf: fc.constant((algorithm: string) => ({
        alg: alg === undefined ? algorithm : alg,
        ...header,
      })),
      payload: written(parts.claims),
      mutate: fc.constant(parts.mutate),
      demanding: fc.constant(parts.demanding),
      otherKey: fc.constant(parts.otherKey),
    })
  })

const passesGate = (jwt: string) => {
  try {
    return parseCanonical(jwt) !== undefined
  } catch {
    return false
  }
}

type Accepted = { timing: string; claims: Record<string, unknown> }
/**
 * Where the service refuses what jose accepts: extensions, a `kid` that is no text, a byte order
 * mark, other kinds of JWT, times that are infinite or ahead.
 */
function isStricter(jwt: string, { claims }: Accepted): boolean {
  const [header = '', payload = ''] = jwt
    .split('.')
    .map((segment) => Buffer.from(segment, 'base64url').toString())
  const { exp, iat } = claims
  const { typ, kid } = JSON.parse(header) as { typ?: unknown; kid?: unknown }
  const isOtherKind =
    typeof typ === 'string'
      ? /\+jwt$/i.test(typ) && !/^(?:application\/)?at\+jwt$/i.test(typ)
      : (typ ?? undefined) !== undefined
  return (
    isOtherKind ||
    !['string', 'undefined'].includes(typeof kid) ||
    'crit' in (JSON.parse(header) as object) ||
    payload.startsWith('\uFEFF') ||
    (typeof exp === 'number' && !Number.isSafeInteger(Math.ceil(exp * 1000))) ||
    (typeof iat === 'number' && iat * 1000 > nowMs + 60_000)
  )
}

describe('verification accepts no token that jose refuses, and reads the same claims in those that it accepts', () => {
  const seen = { passed: 0, all: 0, accepted: 0 }
  for (const algorithm of algorithms) {
    it(`${algorithm}`, async function () {
      this.timeout(600_000)
      const verifications = new Map<
        boolean,
        { ours: (jwt: string) => Promise<unknown>; jose: (jwt: string) => Promise<unknown> }
      >()
      for (const demanding of [true, false]) {
        const { verify } = createVerification({
          issuers: [issuerFor(algorithm, demanding)],
          now: () => nowMs,
          maxClockSkewMs: skewS * 1000,
          maxTokenLength: 16_384,
        })
        const ours = (jwt: string) =>
          verify(jwt).then(
            ({ timing, claims }) => (timing === 'ahead' ? undefined : { timing, claims }),
            (error: unknown) => {
              expect(error, 'every refusal is a decision')
                .to.be.instanceOf(ServiceError)
                .with.property('code', 'invalid_token')
              return undefined
            },
          )
        verifications.set(demanding, { ours, jose: await oracle(algorithm, demanding) })
      }
      await fc.assert(
        fc.asyncProperty(
          tokenArbitrary,
          async ({ headerOf, payload, mutate, demanding, otherKey }) => {
            const input = `${encode(JSON.stringify(headerOf(algorithm)))}.${encode(payload)}`
            const key =
              otherKey && algorithm.startsWith('HS') ? `${hmacSecret}.` : signingKey(algorithm)
            const jwt = mutate(`${input}.${encode(signatureOf(algorithm, input, key))}`)
            const { ours, jose } = verifications.get(demanding)!
            const [mine, theirs] = await Promise.all([ours(jwt), jose(jwt)])
            seen.all += 1
            if (passesGate(jwt)) seen.passed += 1
            else expect(mine, 'the gate').to.equal(undefined)
            if (mine === undefined) {
              if (theirs !== undefined && passesGate(jwt))
                expect(
                  isStricter(jwt, theirs as Accepted),
                  `refused without need: ${jwt}`,
                ).to.equal(true)
              return
            }
            seen.accepted += 1
            expect(theirs, 'jose refuses it').not.to.equal(undefined)
            expect(mine).to.deep.equal(theirs)
          },
        ),
        { numRuns: tokensOf(algorithm) },
      )
    })
  }

  it('enough of the tokens were canonical, and enough were accepted', () => {
    expect(seen.passed / seen.all, 'passed the gate').to.be.greaterThan(0.5)
    expect(seen.accepted / seen.all, 'were accepted').to.be.within(0.15, 0.6)
  })
})
