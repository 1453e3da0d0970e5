// The revocation and introspection endpoints of oidc-provider, over a Redis adapter like that of
// its examples. Its tokens are opaque, because oidc-provider does not revoke JWTs. When the parent
// process sends `{ mint: n }`, n tokens are issued directly into the store.
import { Redis } from 'ioredis'
import Provider from 'oidc-provider'

const { PORT, REDIS_URL, CLIENT_SECRET } = process.env
const redis = new Redis(REDIS_URL, { keyPrefix: 'oidc:' })

class RedisAdapter {
  constructor(name) {
    this.name = name
  }
  key(id) {
    return `${this.name}:${id}`
  }
  async upsert(id, payload, expiresIn) {
    await redis.set(this.key(id), JSON.stringify(payload), 'EX', expiresIn)
  }
  async find(id) {
    const payload = await redis.get(this.key(id))
    return payload === null ? undefined : JSON.parse(payload)
  }
  async destroy(id) {
    await redis.del(this.key(id))
  }
  async revokeByGrantId() {}
  async consume() {}
  async findByUid() {}
  async findByUserCode() {}
}

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: RedisAdapter,
  clients: [
    {
      client_id: 'bench',
      client_secret: CLIENT_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  ttl: { ClientCredentials: 3600 },
})

process.on('message', async ({ mint }) => {
  const client = await provider.Client.find('bench')
  const tokens = []
  for (let minted = 0; minted < mint; minted += 1)
    tokens.push(await new provider.ClientCredentials({ client }).save())
  process.send({ tokens })
})
provider.listen(Number(PORT), '127.0.0.1')
