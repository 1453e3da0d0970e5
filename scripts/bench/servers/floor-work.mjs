// The least work of a request: node:crypto and @redis/client, without the checks that make a service
// safe. COMMANDS=none verifies the token. COMMANDS=one then sends one SET, and COMMANDS=all every
// Redis command that cierre sends, in one round trip.
import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  randomUUID,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { createClient } from '@keyv/redis'

const { REDIS_URL, ALGORITHM, KEY, COMMANDS, COMMIT_SCRIPT } = process.env
const redis = COMMANDS === 'none' ? undefined : await createClient({ url: REDIS_URL }).connect()
const sha1 = COMMANDS === 'all' ? await redis.scriptLoad(COMMIT_SCRIPT) : undefined
const key = ALGORITHM === 'HS256' ? createSecretKey(Buffer.from(KEY)) : createPublicKey(KEY)
const isSignedBy = {
  HS256: (input, signature) =>
    timingSafeEqual(createHmac('sha256', key).update(input).digest(), signature),
  RS256: (input, signature) => verify('sha256', Buffer.from(input), key, signature),
  ES256: (input, signature) =>
    verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, signature),
  EdDSA: (input, signature) => verify(null, Buffer.from(input), key, signature),
}[ALGORITHM]

function claimsOf(jwt) {
  const [header, payload, signature] = jwt.split('.')
  if (!isSignedBy(`${header}.${payload}`, Buffer.from(signature, 'base64url')))
    throw new Error('signature')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  if (claims.exp * 1000 <= Date.now()) throw new Error('expired')
  return claims
}

const keyOf = (text) => createHash('sha256').update(text).digest('base64url').slice(0, 22)

const store = {
  none: async () => undefined,
  one: ({ sid, exp }) => redis.set(`denied:${sid}`, '1', { PX: exp * 1000 - Date.now() }),
  async all({ iss, sub, sid, jti, iat, exp }, jwt) {
    const [t, s, u, j] = [keyOf(jwt), keyOf(iss + sid), keyOf(iss + sub), keyOf(iss + jti)]
    const event = JSON.stringify({
      time: new Date().toISOString(),
      event: 'authn_token_revoked',
      outcome: 'success',
      reason: 'logout',
      requestId: randomUUID(),
      issuer: iss,
      subject: sub,
      keys: [`s:${s}`],
      address: '127.0.0.0/24',
    })
    const [outcome] = await redis.evalSha(sha1, {
      keys: [
        'cierre:{c}:feed',
        'cierre:{c}:history',
        'cierre:{c}:audit',
        'cierre:{c}:layout',
        `cierre:{c}:limit:u:${u}`,
        `cierre:{c}:t:${t}`,
        `cierre:{c}:s:${s}`,
        `cierre:{c}:u:${u}`,
        `cierre:{c}:j:${j}`,
        `cierre:{c}:s:${s}`,
        `sess:${sid}`,
      ],
      arguments: [
        '100000',
        'history',
        '1000000',
        '2',
        String(Date.now()),
        '61000',
        '0',
        `1 4 1 1 30 60000 0 ${iat}`,
        event,
        `${exp * 1000} 1`,
      ],
    })
    if (outcome !== 'stored') throw new Error(outcome)
  },
}[COMMANDS]

/** @param jwt a new token */
export const work = async (jwt) => store(claimsOf(jwt), jwt)
