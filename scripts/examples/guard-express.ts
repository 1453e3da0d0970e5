// Express 5: every route behind the guard answers 401 for a token that is not accepted, and 503
// while the guard cannot tell whether the token is revoked. The claims are in `request.claims`.
import express from 'express'
import type { Guard } from 'cierre/guard'
import { expressGuard } from 'cierre/guard/express'

export const createApi = (guard: Guard) =>
  express()
    .use(expressGuard(guard))
    .get('/', (request, response) => {
      response.send(request.claims?.sub)
    })
