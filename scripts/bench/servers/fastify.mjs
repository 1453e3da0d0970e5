// A service written by hand: Fastify with @fastify/jwt, schemas of request and response, and a
// denylist in ioredis. Each is set up as its documentation says. AUTOPIPELINE=1 turns on
// autopipelining of ioredis.
import Fastify from 'fastify'
import fastifyJwt from '@fastify/jwt'
import { Redis } from 'ioredis'

const { PORT, REDIS_URL, ALGORITHM, KEY, AUTOPIPELINE } = process.env
const redis = new Redis(REDIS_URL, { enableAutoPipelining: AUTOPIPELINE === '1' })
const fastify = Fastify()
await fastify.register(fastifyJwt, {
  secret: ALGORITHM === 'HS256' ? KEY : { public: KEY },
  verify: { algorithms: [ALGORITHM] },
})

const schema = {
  body: {
    type: 'object',
    required: ['token'],
    additionalProperties: false,
    properties: { token: { type: 'string', minLength: 1 } },
  },
  response: {
    '2xx': {
      type: 'object',
      properties: { success: { type: 'boolean' }, message: { type: 'string' } },
    },
  },
}

fastify.post('/api/v1/auth/logout', { schema }, async (request) => {
  const { sid, exp } = await request.jwtVerify()
  if (request.body.token !== request.headers.authorization.slice(7))
    throw new Error('another token')
  await redis.set(`denied:${sid}`, '1', 'PX', exp * 1000 - Date.now())
  return { success: true, message: 'Sesión cerrada exitosamente' }
})
await fastify.listen({ port: Number(PORT), host: '127.0.0.1' })
