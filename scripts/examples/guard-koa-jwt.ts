// An API that uses koa-jwt already. koa-jwt makes a 401 of every error of `isRevoked`. The error of
// the guard is the `originalError` of that 401. It has the true status: 503 while the guard cannot
// tell.
import Koa from 'koa'
import jwt from 'koa-jwt'
import { GuardError, isRevokedForKoaJwt, type Guard } from 'cierre/guard'

const throwOriginalError: Koa.Middleware = async (_ctx, next) => {
  try {
    await next()
  } catch (error) {
    const { originalError } = error as { originalError?: unknown }
    throw originalError instanceof GuardError ? originalError : error
  }
}

export const createApi = (guard: Guard, secret: string) => {
  const app = new Koa<{ user: { sub: string } }>()
  app.use(throwOriginalError)
  app.use(jwt({ secret, isRevoked: isRevokedForKoaJwt(guard) }))
  app.use((ctx) => {
    ctx.body = ctx.state.user.sub
  })
  return app
}
