// Hono. The claims are `c.get('claims')`.
import { Hono } from 'hono'
import type { Guard } from 'cierre/guard'
import { honoGuard } from 'cierre/guard/hono'

export const createApi = (guard: Guard) =>
  new Hono().use(honoGuard(guard)).get('/', (c) => c.text(String(c.get('claims')?.sub)))
