// An API that uses express-jwt already: express-jwt verifies the token by its own rules, then the
// guard checks it. While the guard cannot tell whether the token is revoked, it throws an error
// with the status 503.
import express, { type ErrorRequestHandler } from 'express'
import { expressjwt, type Request } from 'express-jwt'
import { isRevokedForExpressJwt, type Guard } from 'cierre/guard'

const answerWithStatus: ErrorRequestHandler = (
  error: { status?: number },
  _request,
  response,
  next,
) => {
  if (error.status === undefined) next(error)
  else response.sendStatus(error.status)
}

export const createApi = (guard: Guard, secret: string) =>
  express()
    .use(expressjwt({ secret, algorithms: ['HS256'], isRevoked: isRevokedForExpressJwt(guard) }))
    .get('/', (request: Request, response) => {
      response.send(request.auth?.sub)
    })
    .use(answerWithStatus)
