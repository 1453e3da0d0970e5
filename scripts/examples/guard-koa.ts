// Koa 3. The claims are in `ctx.state.claims`.
import Koa from 'koa'
import { koaGuard, type Claims, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard) => {
  const app = new Koa<{ claims: Claims }>()
  app.use(koaGuard(guard))
  app.use((ctx) => {
    ctx.body = ctx.state.claims.sub
  })
  return app
}
