// Koa 3. The claims are in `ctx.state.claims`. CORS comes before the guard: a preflight request has no
// token, and a page of another origin can read a 401.
import cors from '@koa/cors'
import Koa from 'koa'
import type { Claims, Guard } from 'cierre/guard'
import { koaGuard } from 'cierre/guard/koa'

export const createApi = (guard: Guard) => {
  const app = new Koa<{ claims: Claims }>()
  app.use(cors({ origin: 'https://app.example.com' }))
  app.use(koaGuard(guard))
  app.use((ctx) => {
    ctx.body = ctx.state.claims.sub
  })
  return app
}
