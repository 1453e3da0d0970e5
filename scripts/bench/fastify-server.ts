// One Fastify route, with or without the guard.
import Fastify from 'fastify'
import { createGuard, fastifyGuard } from '../../src/guard.js'

const { PORT, KIND, FEED = '', SECRET = '', CLIENT_SECRET = '' } = process.env
const app = Fastify()
if (KIND === 'guard') {
  const guard = createGuard({
    issuers: [{ issuer: 'https://issuer.test', secret: SECRET }],
    feed: { url: FEED, clientId: 'bench', clientSecret: CLIENT_SECRET },
  })
  await guard.ready()
  app.addHook('onRequest', fastifyGuard(guard) as never)
}
app.get('/', async () => ({ hello: 'world' }))
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
