// An API that uses express-jwt already: express-jwt verifies the token with its own rules, and the
// guard's rules come on top. Its error handler sees `revoked_token` for a revoked token alone; for
// another refusal `invalid_token`, with the GuardError in `inner`; and a GuardError with the status
// 503 while the guard cannot tell.
import express, { type ErrorRequestHandler } from 'express'
import { expressjwt, type Request } from 'express-jwt'
import { isRevokedForExpressJwt, type Guard } from 'cierre/guard'

const answerWithStatus: ErrorRequestHandler = (
  error: { status?: number; code?: string },
  _request,
  response,
  next,
) => {
  if (error.status === undefined) next(error)
  else response.status(error.status).json({ error: error.code })
}

export const createApi = (guard: Guard, secret: string) =>
  express()
    .use(expressjwt({ secret, algorithms: ['HS256'], isRevoked: isRevokedForExpressJwt(guard) }))
    .get('/', (request: Request, response) => {
      response.send(request.auth?.sub)
    })
    .use(answerWithStatus)
