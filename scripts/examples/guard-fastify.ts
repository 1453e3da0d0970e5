// Fastify 5. The claims are in `request.claims`.
import Fastify from 'fastify'
import { fastifyGuard, type Claims, type Guard } from 'cierre/guard'

declare module 'fastify' {
  interface FastifyRequest {
    claims?: Claims
  }
}

export const createApi = (guard: Guard) => {
  const app = Fastify()
  app.addHook('onRequest', fastifyGuard(guard))
  app.get('/', async (request) => request.claims?.sub)
  return app
}
