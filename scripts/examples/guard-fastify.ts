// Fastify 5. The claims are in `request.claims`.
import Fastify from 'fastify'
import type { Guard } from 'cierre/guard'
import { fastifyGuard } from 'cierre/guard/fastify'

export const createApi = (guard: Guard) => {
  const app = Fastify()
  app.addHook('onRequest', fastifyGuard(guard))
  app.get('/', async (request) => request.claims?.sub)
  return app
}
