// The usual tutorial: Express with jsonwebtoken and a denylist in ioredis. Tutorials give
// jsonwebtoken the secret as a string, from which it makes a key on every call. With KEY_OBJECT=1
// it gets a KeyObject.
import { createPublicKey, createSecretKey } from 'node:crypto'
import express from 'express'
import { Redis } from 'ioredis'
import jsonwebtoken from 'jsonwebtoken'

const { PORT, REDIS_URL, ALGORITHM, KEY, KEY_OBJECT } = process.env
const redis = new Redis(REDIS_URL)
const keyObject = () =>
  ALGORITHM === 'HS256' ? createSecretKey(Buffer.from(KEY)) : createPublicKey(KEY)
const key = KEY_OBJECT === '1' ? keyObject() : KEY
const app = express()
app.use(express.json())

app.post('/api/v1/auth/logout', async (request, response) => {
  const bearer = request.headers.authorization?.split(' ')[1]
  const { sid, exp } = jsonwebtoken.verify(bearer, key, { algorithms: [ALGORITHM] })
  if (request.body.token !== bearer) throw new Error('another token')
  await redis.set(`denied:${sid}`, '1', 'PX', exp * 1000 - Date.now())
  response.json({ success: true, message: 'Sesión cerrada exitosamente' })
})
app.listen(Number(PORT), '127.0.0.1')
