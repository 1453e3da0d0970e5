// The logouts that the documentation of two libraries leads to: a denylist by `jti`, here in Redis.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastifyJwt from '@fastify/jwt'
import express, { type ErrorRequestHandler } from 'express'
import { expressjwt, type Request } from 'express-jwt'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'
import { plant } from './leaks.js'
import { hmacSecret as secret } from './tokens.js'

type Payload = { sub: string; jti?: string; exp: number }
export type Documented = Readonly<{ origin: string; stop(): Promise<void> }>

async function openRedis(url: string): Promise<Redis> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => 50 })
  redis.on('error', () => undefined)
  await once(redis, 'ready')
  return redis
}

const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Each login has a session, which both of its tokens would name. */
const newLogin = () => ({ sub: 'alice', sid: randomUUID() })

const keyOf = (jti: string | undefined) => `denylist:${jti}`

/** express-jwt, section "Revoked tokens" of its README. */
export async function startExpressJwt(redisUrl: string): Promise<Documented> {
  const redis = await openRedis(redisUrl)
  const isRevoked = async (_request: unknown, token: { payload: unknown } | undefined) =>
    (await redis.get(keyOf((token?.payload as JwtPayload).jti))) !== null
  const onError: ErrorRequestHandler = (error: Error, _request, response, next) => {
    if (error.name === 'UnauthorizedError') response.status(401).send('invalid token...')
    else next(error)
  }
  const app = express()
    .set('env', 'test')
    .post('/login', (_request, response) => {
      const options = { expiresIn: '10m', jwtid: randomUUID() } as const
      response.json({ token: plant(jsonwebtoken.sign(newLogin(), secret, options)) })
    })
    .use(expressjwt({ secret, algorithms: ['HS256'], isRevoked }))
    .get('/me', (request: Request, response) => void response.json({ user: request.auth?.sub }))
    .post('/logout', async (request: Request, response) => {
      const { jti, exp = 0 } = request.auth ?? {}
      await redis.set(keyOf(jti), '1', 'EXAT', exp)
      response.sendStatus(204)
    })
    .use(onError)
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: originOf(server),
    async stop() {
      server.closeAllConnections()
      server.close()
      redis.disconnect()
    },
  }
}

/** @fastify/jwt, section "trusted" of its README. */
export async function startFastifyJwt(redisUrl: string): Promise<Documented> {
  const redis = await openRedis(redisUrl)
  const app = fastify()
  await app.register(fastifyJwt, {
    secret,
    trusted: async (_request, decoded) =>
      (await redis.exists(keyOf((decoded as Payload).jti))) === 0,
  })
  app.post('/login', async () => ({
    token: plant(app.jwt.sign(newLogin(), { expiresIn: '10m', jti: randomUUID() })),
  }))
  const onRequest = (request: { jwtVerify(): Promise<unknown> }) => request.jwtVerify()
  app.get('/me', { onRequest }, async (request) => ({ user: (request.user as Payload).sub }))
  app.post('/logout', { onRequest }, async (request, reply) => {
    const { jti, exp } = request.user as Payload
    await redis.set(keyOf(jti), '1', 'EXAT', exp)
    return reply.code(204).send()
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    origin: originOf(app.server),
    async stop() {
      app.server.closeAllConnections()
      await app.close()
      redis.disconnect()
    },
  }
}
