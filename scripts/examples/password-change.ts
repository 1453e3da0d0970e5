// A password change that answers with a new token: every token of the user that was issued in an
// earlier second stops working, and the new one works at once. Tokens that were issued in the same
// second are spared, and so is session data: see "A password change" in README.md.
import express from 'express'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'
import { createClient } from 'cierre/client'

const issuer = 'https://issuer.test'
type Service = Readonly<{ url: string; clientId: string; clientSecret: string }>
type Body = { user?: string } | undefined

export const createAccounts = (secret: string, { url, ...credentials }: Service) => {
  const client = createClient({ baseUrl: url, credentials })
  return express()
    .use(express.json())
    .post('/password', async (request, response) => {
      // Check the user and the old password here, and store the new one.
      const sub = (request.body as Body)?.user ?? ''
      const token = jsonwebtoken.sign({ sub }, secret, { issuer, expiresIn: 600 })
      const { iat = 0 } = jsonwebtoken.decode(token) as JwtPayload
      // Without a cutoff it would be now, rounded up, and would end the new token, too.
      const cutoff = iat - 1
      const { status } = await client.revoke({
        iss: issuer,
        sub,
        cutoff,
        reason: 'password_change',
      })
      // Until it is stored, the old tokens may work. A repeat is safe.
      if (status === 200) response.json({ token })
      else response.status(503).set('Retry-After', '1').end()
    })
}
