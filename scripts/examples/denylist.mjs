// An Express app with the usual denylist in Redis, written by hand.
import express from 'express'
import { Redis } from 'ioredis'
import jsonwebtoken from 'jsonwebtoken'

const { JWT_SECRET: secret, REDIS_URL: url, PORT: port } = process.env
const redis = new Redis(url)
const app = express()

async function authenticate(request, response, next) {
  const token = request.headers.authorization?.split(' ')[1]
  if (await redis.get(`denylist:${token}`)) return response.sendStatus(401)
  try {
    request.user = jsonwebtoken.verify(token, secret)
    next()
  } catch (error) {
    response.status(401).json({ error: error.message })
  }
}

app.post('/login', (_request, response) => {
  // Check the password here.
  response.json({ token: jsonwebtoken.sign({ sub: 'alice' }, secret, { expiresIn: '1h' }) })
})
app.post('/logout', authenticate, async ({ headers, user }, response) => {
  await redis.set(`denylist:${headers.authorization.split(' ')[1]}`, '1', 'EXAT', user.exp)
  response.sendStatus(204)
})
app.get('/me', authenticate, (request, response) => response.json({ user: request.user.sub }))
app.listen(port, '127.0.0.1')
