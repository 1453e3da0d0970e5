// Koa 3. The claims are in `ctx.state.claims`.
import Koa from 'koa'
import type { Claims, Guard } from 'cierre/guard'
import { koaGuard } from 'cierre/guard/koa'

export const createApi = (guard: Guard) => {
  const app = new Koa<{ claims: Claims }>()
  app.use(koaGuard(guard))
  app.use((ctx) => {
    ctx.body = ctx.state.claims.sub
  })
  return app
}
