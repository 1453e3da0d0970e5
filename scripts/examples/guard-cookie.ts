// The options of an adapter, here in Express. The token is in the header or, for browsers, in a
// cookie. Such an API needs a protection against cross-site requests: the cookie has
// `SameSite=Strict`, or the API compares `Origin`.
import express from 'express'
import type { Guard } from 'cierre/guard'
import { expressGuard, fromCookie, fromHeader } from 'cierre/guard/express'

const [header, cookie] = [fromHeader(), fromCookie('token')]
const getToken = (request: express.Request) => header(request) ?? cookie(request)
const challenge = {
  realm: 'orders',
  resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource',
}

export const createApi = (guard: Guard) =>
  express()
    // A visitor without a token sees the page, too. A token that is not in order is refused.
    .get('/', expressGuard(guard, { getToken, challenge, optional: true }), (request, response) => {
      response.send(request.claims?.sub ?? 'a visitor')
    })
    // 403 `insufficient_scope` without the scope.
    .get(
      '/orders',
      expressGuard(guard, { getToken, challenge, scopes: ['orders:read'] }),
      (request, response) => {
        response.send(`orders of ${request.claims?.sub}`)
      },
    )
    // A visitor of a page is sent to the login instead of getting a 401 in JSON.
    .get(
      '/account',
      expressGuard(guard, {
        getToken,
        onRefused(error, _request, response: express.Response) {
          if (error.status === 503) throw error
          response.redirect('/login')
        },
      }),
      (request, response) => {
        response.send(`account of ${request.claims?.sub}`)
      },
    )
