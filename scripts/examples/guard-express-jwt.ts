// An API that uses express-jwt already: express-jwt verifies the token with its own rules, and the
// guard's rules come on top. The API's error handler sees `revoked_token` for a revoked token alone,
// and `invalid_token` for another refusal, with the GuardError in `inner`. While the guard cannot
// tell, it sees the GuardError, with the status 503.
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
