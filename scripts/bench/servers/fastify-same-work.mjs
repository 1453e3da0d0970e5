// A service written by hand that does the work of cierre: Fastify with @fastify/jwt and ioredis
// (autopipelining), schemas of request and response, security headers, a limit per address in memory
// and per subject in Redis, the check of the four keys of a token, and one MULTI with the
// revocation, its event in a feed, the audit event and the end of the session. It logs one line.
import { createHash, randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import fastifyJwt from '@fastify/jwt'
import { Redis } from 'ioredis'
import { RateLimiterMemory } from 'rate-limiter-flexible'

const { PORT, REDIS_URL, ALGORITHM, KEY } = process.env
const skewMs = 60_000
const sessionMs = 30 * 24 * 3_600_000
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true })
const addresses = new RateLimiterMemory({ points: 1_000_000, duration: 1 })
const fastify = Fastify({ logger: { level: 'info' }, disableRequestLogging: true })
await fastify.register(fastifyJwt, {
  secret: ALGORITHM === 'HS256' ? KEY : { public: KEY },
  verify: {
    algorithms: [ALGORITHM],
    allowedIss: 'https://issuer.test',
    allowedAud: 'https://api.test',
  },
})

const envelope = {
  type: 'object',
  required: ['success', 'message'],
  additionalProperties: false,
  properties: { success: { type: 'boolean' }, message: { type: 'string' } },
}
const schema = {
  headers: {
    type: 'object',
    required: ['authorization'],
    properties: { authorization: { type: 'string', pattern: '^Bearer ' } },
  },
  body: {
    type: 'object',
    required: ['token'],
    additionalProperties: false,
    properties: {
      token: { type: 'string', minLength: 1, maxLength: 16_384 },
      scope: { type: 'string', enum: ['local', 'global'] },
    },
  },
  response: { 200: envelope, 401: envelope, 429: envelope, 500: envelope },
}
const refused = { success: false, message: 'Token no proporcionado o inválido' }
const tooMany = { success: false, message: 'Demasiadas solicitudes' }

const hashOf = (...texts) =>
  createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, 22)

const keysOf = (jwt, { iss, sub, sid, jti }) => ({
  token: `revoked:t:${hashOf(jwt.slice(0, jwt.lastIndexOf('.')))}`,
  session: `revoked:s:${hashOf(iss, sid)}`,
  subject: `revoked:u:${hashOf(iss, sub)}`,
  id: `revoked:j:${hashOf(iss, jti)}`,
})

const auditEvent = (request, { iss, sub }, key) => ({
  time: new Date().toISOString(),
  event: 'authn_token_revoked',
  outcome: 'success',
  reason: 'logout',
  requestId: request.id,
  issuer: iss,
  subject: sub,
  keys: [key],
  address: `${request.ip.split('.').slice(0, 3).join('.')}.0/24`,
})

async function revoke({ session, subject }, claims, event) {
  const untilMs = Math.max(claims.exp * 1000, Date.now() + sessionMs) + skewMs
  const replies = await redis
    .multi()
    .incr(`limit:${subject}`)
    .pexpire(`limit:${subject}`, 60_000, 'NX')
    .set(session, '1', 'PXAT', untilMs)
    .xadd('feed', 'MAXLEN', '~', 100_000, '*', 'k', session, 'x', untilMs)
    .xadd('audit', 'MAXLEN', '~', 1_000_000, '*', 'event', JSON.stringify(event))
    .unlink(`sess:${claims.sid}`)
    .exec()
  for (const [error] of replies) if (error) throw error
}

fastify.addHook('onRequest', async (request, reply) => {
  request.id = randomUUID()
  reply.headers({
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': request.id,
    'Content-Security-Policy': "default-src 'none'",
  })
  try {
    const { remainingPoints } = await addresses.consume(request.ip)
    reply.header('RateLimit', `"address";r=${remainingPoints}`)
  } catch {
    return reply.code(429).send(tooMany)
  }
})
fastify.post('/api/v1/auth/logout', { schema }, async (request, reply) => {
  const claims = await request.jwtVerify()
  const jwt = request.headers.authorization.slice(7)
  if (request.body.token !== jwt) return reply.code(401).send(refused)
  const keys = keysOf(jwt, claims)
  const found = await redis.mget(...Object.values(keys), `limit:${keys.subject}`)
  const limit = Number(found.pop() ?? 0)
  if (limit >= 30) return reply.code(429).send(tooMany)
  if (found.some((value) => value !== null)) return reply.code(401).send(refused)
  const event = auditEvent(request, claims, keys.session)
  await revoke(keys, claims, event)
  request.log.info({ audit: event }, event.event)
  reply.header('Set-Cookie', 'sid=; Path=/; Max-Age=0; Secure; HttpOnly')
  return { success: true, message: 'Sesión cerrada exitosamente' }
})
fastify.get('/', async () => ({ success: true, message: 'ok' }))
await fastify.listen({ port: Number(PORT), host: '127.0.0.1' })
