// An API that uses koa-jwt already. koa-jwt answers 401 to every error of `isRevoked`, also while
// the guard cannot tell whether the token is revoked. Use `koaGuard` for a 503 in that case.
import Koa from 'koa'
import jwt from 'koa-jwt'
import { isRevokedForKoaJwt, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard, secret: string) => {
  const app = new Koa<{ user: { sub: string } }>()
  app.use(jwt({ secret, isRevoked: isRevokedForKoaJwt(guard) }))
  app.use((ctx) => {
    ctx.body = ctx.state.user.sub
  })
  return app
}
