// A home-made issuer: its refresh route gives new tokens while the login lasts. A logout of any
// token of the session ends the login, and so does a logout everywhere. The route answers 503 while
// the guard cannot tell.
import { randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler } from 'express'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'
import { GuardError, type Guard } from 'cierre/guard'

const issuer = 'https://issuer.test'
type Body = { user?: string; refresh?: string } | undefined

export const createIssuer = (guard: Guard, secret: string) => {
  const sign = (sub: string, sid: string, audience: string, expiresIn: number) =>
    jsonwebtoken.sign({ sub, sid }, secret, { issuer, audience, expiresIn })
  // Both tokens have the `sid` of the login. The APIs accept the audience `api` alone.
  const tokensOf = (sub: string, sid: string) => ({
    access: sign(sub, sid, 'api', 600),
    refresh: sign(sub, sid, 'refresh', 86_400),
  })
  const verify = (refresh = '') => {
    try {
      return jsonwebtoken.verify(refresh, secret, { issuer, audience: 'refresh' }) as JwtPayload
    } catch {
      return undefined
    }
  }
  const onError: ErrorRequestHandler = (error, _request, response, next) => {
    if (error instanceof GuardError)
      response.status(error.status).set(error.headers).json(error.body)
    else next(error)
  }
  return express()
    .use(express.json())
    .post('/login', (request, response) => {
      // Check the password here.
      response.json(tokensOf((request.body as Body)?.user ?? '', randomUUID()))
    })
    .post('/refresh', async (request, response) => {
      const claims = verify((request.body as Body)?.refresh)
      const { iss, sub = '', iat } = claims ?? {}
      const sid = claims?.['sid'] as string
      if (claims === undefined || (await guard.isRevoked({ iss, sub, sid, iat })))
        response.status(401).json({ error: 'invalid_grant' })
      else response.json(tokensOf(sub, sid))
    })
    .use(onError)
}
