// Express 5 and jsonwebtoken, with cierre inside: logout takes effect, without another process.
// The page logs out by POST /api/v1/auth/logout with the token as bearer and as {"token": …}.
import express from 'express'
import jsonwebtoken from 'jsonwebtoken'
import { createCierre } from 'cierre/embedded'
import { expressGuard, type Claims } from 'cierre/guard'

declare module 'express-serve-static-core' {
  interface Request {
    claims?: Claims
  }
}

export function createApp(secret: string, redisUrl: string) {
  const cierre = createCierre({ issuers: [{ secret }], redis: { url: redisUrl } })
  const app = express().use(cierre.handler)
  app.post('/login', (_request, response) => {
    // Check the password here.
    response.json({ token: jsonwebtoken.sign({ sub: 'alice' }, secret, { expiresIn: '1h' }) })
  })
  app.get('/me', expressGuard(cierre.guard), (request, response) => {
    response.json({ user: request.claims?.sub })
  })
  return { app, cierre } // await cierre.ready() before app.listen(…)
}
