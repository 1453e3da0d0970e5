// Hono. The claims are `c.get('claims')`. CORS comes before the guard: a preflight request has no
// token, and a page of another origin can read a 401.
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Guard } from 'cierre/guard'
import { honoGuard } from 'cierre/guard/hono'

export const createApi = (guard: Guard) =>
  new Hono()
    .use(cors({ origin: 'https://app.example.com' }))
    .use(honoGuard(guard))
    .get('/', (c) => c.text(String(c.get('claims')?.sub)))
