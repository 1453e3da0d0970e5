// Hono. The claims are `c.get('claims')`.
import { Hono } from 'hono'
import { honoGuard, type Claims, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard) =>
  new Hono<{ Variables: { claims: Claims } }>()
    .use(honoGuard(guard))
    .get('/', (c) => c.text(String(c.get('claims').sub)))
