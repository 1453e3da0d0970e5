// Makes generated/vectors.json, the test vectors for implementations in other languages. Most
// algorithms sign differently each time, so a signature and its public key are kept from the last
// run while the signed text stays the same. Private keys are not kept.
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  verify as verifySignature,
  createPublicKey,
  createHmac,
  constants,
  type JsonWebKey,
} from 'node:crypto'
import { SignJWT, importJWK, type JWK } from 'jose'
import { createChecksums, encodeSnapshot } from '../src/feed/snapshot.js'
import { createLiveSet } from '../src/revocation/live-set.js'
import { untilSOf } from '../src/revocation/packed-entry.js'
import { entryWith, type Entry } from '../src/revocation/entry.js'
import { claimKey, keyKinds, tokenKeys, type RevocationKey } from '../src/token/keys.js'
import { parseCanonical } from '../src/token/canonical-encoding.js'

type TokenVector = {
  algorithm: string
  jwk: JWK
  token: string
  claims: Record<string, unknown>
  keys: Record<string, string>
}
export type Vectors = {
  gate: { name: string; token: string; accepted: boolean }[]
  tokens: TokenVector[]
  keys: { kind: string; iss: unknown; claim: unknown; key: string | null }[]
  /** Claims as JSON text, because a parser may turn a number into another text. */
  numbers: { kind: string; iss: string; json: string; key: string | null }[]
  snapshot: { base64: string; position: string; entries: Entry[] }
  checks: { name: string; entries: Entry[]; token: string; revoked: boolean }[]
}

const algorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const iat = 1_795_000_000
const foreverMs = 4_000_000_000_000

/** @param before the vectors of the last run, if there are any */
export async function makeVectors(before: Vectors | undefined): Promise<Vectors> {
  const kept = before?.tokens ?? []
  const tokens = await Promise.all([
    ...algorithms.map((algorithm) => tokenVector(claimsOf(algorithm), { algorithm, kept })),
    tokenVector(sessionlessClaims, { algorithm: 'HS256', kept }),
  ])
  return {
    gate: gateVectors(tokens[0].token),
    tokens,
    keys: keyVectors(),
    numbers: numberVectors(),
    snapshot: snapshotVector(),
    checks: checkVectors(tokens),
  }
}

const claimsOf = (algorithm: string) => ({
  iss: 'https://issuer.test',
  sub: `subject of ${algorithm}`,
  sid: `session of ${algorithm}`,
  jti: `id of ${algorithm} – ñ`,
  iat,
  exp: iat + 3600,
})
const { sid: _sid, ...sessionlessClaims } = claimsOf('HS256')

async function tokenVector(
  claims: Record<string, unknown>,
  { algorithm, kept }: { algorithm: string; kept: readonly TokenVector[] },
): Promise<TokenVector> {
  const input = [{ alg: algorithm, typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const before = kept.find((vector) => vector.token.startsWith(`${input}.`) && isSigned(vector))
  const { token, jwk } = before ?? (await sign(algorithm, claims))
  return { algorithm, jwk, token, claims, keys: tokenKeys(parseCanonical(token), claims) }
}

async function sign(
  algorithm: string,
  claims: Record<string, unknown>,
): Promise<{ token: string; jwk: JWK }> {
  const { secret, open } = newKey(algorithm)
  const jwk = { ...open, alg: algorithm } as JWK
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .sign(await importJWK({ ...secret, alg: algorithm }, algorithm))
  return { token, jwk }
}

function newKey(algorithm: string): { secret: JsonWebKey; open: JsonWebKey } {
  if (algorithm.startsWith('HS')) {
    const secret = {
      kty: 'oct',
      k: randomBytes(Number(algorithm.slice(2)) / 8).toString('base64url'),
    }
    return { secret, open: secret }
  }
  const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm]
  const pair =
    curve !== undefined
      ? generateKeyPairSync('ec', { namedCurve: curve })
      : algorithm.startsWith('Ed')
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    secret: pair.privateKey.export({ format: 'jwk' }),
    open: pair.publicKey.export({ format: 'jwk' }),
  }
}

// Checks jose's signatures with another implementation, node:crypto.
function isSigned({ algorithm, jwk, token }: TokenVector): boolean {
  const { signingInput } = parseCanonical(token)
  const signature = Buffer.from(token.slice(signingInput.length + 1), 'base64url')
  const hash = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS'))
    return createHmac(hash, Buffer.from(jwk.k ?? '', 'base64url'))
      .update(signingInput)
      .digest()
      .equals(signature)
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  const data = Buffer.from(signingInput)
  if (algorithm.startsWith('Ed')) return verifySignature(null, data, key, signature)
  if (algorithm.startsWith('ES'))
    return verifySignature(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (algorithm.startsWith('RS')) return verifySignature(hash, data, key, signature)
  return verifySignature(
    hash,
    data,
    { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
    signature,
  )
}

function gateVectors(token: string): Vectors['gate'] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const cases: Record<string, string> = {
    'a token': token,
    shortest: 'AA.AA.AA',
    'segments of two characters, spare bits zero': 'AQ.Ag.Aw',
    'segments of three characters, spare bits zero': 'AAE.AAI.AA8',
    '16384 characters': `${'A'.repeat(16_378)}.AA.AA`,
    '16385 characters': `${'A'.repeat(16_379)}.AA.AA`,
    nothing: '',
    'no dot': 'AAAA',
    'one dot': `${header}.${payload}`,
    'three dots': `${token}.AA`,
    'no header': `.${payload}.${signature}`,
    'no payload': `${header}..${signature}`,
    'no signature': `${header}.${payload}.`,
    padding: `${token}=`,
    'a space in front': ` ${token}`,
    'a space behind': `${token} `,
    'a tab in the signature': `${header}.${payload}.${signature.slice(0, 8)}\t${signature.slice(8)}`,
    'a line end behind': `${token}\n`,
    'plus and slash': 'AA+/.AA.AA',
    percent: 'AA%3D.AA.AA',
    'a letter that is not ASCII': 'AAñA.AA.AA',
    'a NUL': 'AA\0A.AA.AA',
    'a length of 1 modulo 4': 'A.AA.AA',
    'a length of 5': 'AA.AAAAA.AA',
    'spare bits of two': 'AB.AA.AA',
    'spare bits of three': 'AA.AAB.AA',
    'spare bits in the signature': 'AA.AA.AAF',
    'the last of 64 with spare bits': 'AA.AA.A_',
  }
  return Object.entries(cases).map(([name, text]) => ({
    name,
    token: text,
    accepted: isAccepted(text),
  }))
}

function isAccepted(text: string): boolean {
  try {
    parseCanonical(text)
    return true
  } catch {
    return false
  }
}

function keyVectors(): Vectors['keys'] {
  const issuers: unknown[] = [null, 'https://issuer.test', 'ünï', 'i'.repeat(1025), '', 7, true]
  const claims: unknown[] = [
    'alice',
    'a',
    'ñ – 日本 – 😀',
    'x'.repeat(1025),
    '',
    7,
    -7,
    0,
    0.5,
    2 ** 53 - 1,
    true,
    null,
    { a: 1 },
    ['alice'],
    '\ud800',
    'a\0b',
    ' alice ',
  ]
  const pairs = [
    ...claims.map((claim) => [null, claim]),
    ...issuers.map((iss) => [iss, 'alice']),
    ['https://issuer.test', 'ñ – 日本 – 😀'],
    ['al', 'ice'],
    ['a', 'lice'],
  ]
  return (['s', 'u', 'j', 'n'] as const).flatMap((kind) =>
    pairs.map(([iss, claim]) => ({
      kind,
      iss,
      claim,
      key: claimKey(kind, iss ?? undefined, claim) ?? null,
    })),
  )
}

function numberVectors(): Vectors['numbers'] {
  const numbers = [
    '0',
    '-0',
    '-0.0',
    '42',
    '-7',
    '1.0',
    '1e3',
    '1E+3',
    '120e-1',
    '0.1',
    '-1.5',
    '9007199254740991',
    '-9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '1e400',
    '1e-400',
  ]
  return numbers.map((json) => ({
    kind: 'u',
    iss: 'https://issuer.test',
    json,
    key: claimKey('u', 'https://issuer.test', JSON.parse(json)) ?? null,
  }))
}

const keyOf = (kind: string, name: string) =>
  `${kind}:${createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url')}` as RevocationKey

function snapshotVector(): Vectors['snapshot'] {
  const entries: Entry[] = keyKinds.flatMap((kind) =>
    [1, 2, 3].map((one) =>
      entryWith(keyOf(kind, `${kind}${one}`), one === 3 ? null : foreverMs + one * 1000, iat + one),
    ),
  )
  const liveSet = createLiveSet(() => iat * 1000)
  entries.forEach(liveSet.add)
  const position = `1795228156000-0.${entries[0]!.key}`
  const [head, records, mark, , end] = [...encodeSnapshot(liveSet, position)] as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ]
  // The order of records has no meaning. They are sorted, so that the file stays the same.
  const sorted = Array.from({ length: records.length / 25 }, (_, at) =>
    records.subarray(at * 25, at * 25 + 25),
  ).sort(Buffer.compare)
  const checksums = createChecksums()
  const checked = (...pieces: Buffer[]) => {
    pieces.forEach(checksums.add)
    return [...pieces, checksums.next()]
  }
  const bytes = Buffer.concat([...checked(head, ...sorted, mark), ...checked(end)])
  return {
    base64: bytes.toString('base64'),
    position,
    entries: entries.map((entry) => ({
      ...entry,
      untilMs: entry.untilMs === null ? null : untilSOf(entry.untilMs) * 1000,
    })),
  }
}

function checkVectors(tokens: TokenVector[]): Vectors['checks'] {
  const [{ token, keys }, sessionless] = [tokens[0]!, tokens.at(-1)!]
  const entry = (key: string, cutoff?: number): Entry => ({
    key: key as RevocationKey,
    untilMs: null,
    ...(cutoff !== undefined && { cutoff }),
  })
  const cases: [string, Entry[], boolean][] = [
    ['nothing is revoked', [], false],
    ['others are', [entry(keyOf('t', 'another')), entry(tokens[1]!.keys['s']!)], false],
    ['the token', [entry(keys['t']!)], true],
    ['its session', [entry(keys['s']!)], true],
    ['its id', [entry(keys['j']!)], true],
    ['its subject, later', [entry(keys['u']!, iat + 1)], true],
    ['its subject, in the same second', [entry(keys['u']!, iat)], true],
    ['its subject, before', [entry(keys['u']!, iat - 1)], false],
    [
      'its subject twice: the later cutoff counts',
      [entry(keys['u']!, iat + 1), entry(keys['u']!, iat - 1)],
      true,
    ],
    [
      'the tokens of its subject without a session: it has one',
      [entry(sessionless.keys['n']!, iat + 1)],
      false,
    ],
  ]
  const n = sessionless.keys['n']!
  const sessionlessCases: [string, Entry[], boolean][] = [
    ['without a session, later', [entry(n, iat + 1)], true],
    ['without a session, in the same second', [entry(n, iat)], true],
    ['without a session, before', [entry(n, iat - 1)], false],
    ['without a session: its subject', [entry(sessionless.keys['u']!, iat)], true],
  ]
  return [
    ...cases.map(([name, entries, revoked]) => ({ name, entries, token, revoked })),
    ...sessionlessCases.map(([name, entries, revoked]) => ({
      name,
      entries,
      token: sessionless.token,
      revoked,
    })),
  ]
}
