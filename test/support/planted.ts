import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { decodeJwt, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { WebSocketServer } from 'ws'
import { hmacSecret } from './tokens.js'
import { plant } from './leaks.js'

/** Faults of home-made logouts; a planted server has one of them, or none. */
export const faults = [
  'denylist by the text',
  'denylist by jti alone',
  'fail-open on a store error',
  '200 on a store error',
  '401 for a good token on a store error',
  'siblings live',
  'refreshed token lives',
  'open socket lives',
  'second instance with a cache of its own',
  'second logout is an error',
  'expired token stuck',
  'logout of another user',
  'unsigned token accepted at logout',
  'entry expires before the token',
] as const
export type Fault = (typeof faults)[number]

const key = Buffer.from(hmacSecret)
const lifetimeS = 600

/** The status that a request is refused with. */
class Refusal extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`)
  }
}

const digest = (token: string) =>
  createHash('sha256').update(token.split('.', 2).join('.')).digest('base64url')

const bearerOf = ({ headers }: IncomingMessage) => headers.authorization?.split(' ')[1] ?? ''

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return JSON.parse(Buffer.concat(pieces).toString() || '{}') as Record<string, string>
}

/** Verified claims; with `leewayS` also of a token that has expired within that time. */
async function verify(token: string, leewayS = 0): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, { algorithms: ['HS256'], clockTolerance: leewayS })).payload
  } catch {
    throw new Refusal(401)
  }
}

const sign = async (claims: JWTPayload): Promise<string> =>
  plant(
    await new SignJWT({ jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime(`${lifetimeS}s`)
      .sign(key),
  )

/** The denylist of a home-made logout in Redis. Its keys are those that the fault leaves it. */
function createDenylist(redis: Redis, fault: Fault | undefined) {
  /** Under which keys the logout of a token is stored, and which keys a check reads. */
  const keysOf = (token: string, { sid, jti }: JWTPayload): string[] => {
    if (fault === 'denylist by the text') return [token]
    if (fault === 'denylist by jti alone') return jti === undefined ? [] : [jti]
    if (fault === 'siblings live') return [digest(token)]
    return [String(sid)]
  }
  const ttlS = fault === 'entry expires before the token' ? 2 : 2 * lifetimeS
  const sessionOf = ({ sid }: JWTPayload) => `session:${String(sid)}`
  return {
    async end(token: string, claims: JWTPayload): Promise<void> {
      await Promise.all(
        [...keysOf(token, claims), sessionOf(claims)].map((name) =>
          redis.set(name, '1', 'EX', ttlS),
        ),
      )
    },
    isEnded: async (token: string, claims: JWTPayload): Promise<boolean> =>
      (await Promise.all(keysOf(token, claims).map((name) => redis.exists(name)))).includes(1),
    isSessionEnded: async (claims: JWTPayload): Promise<boolean> =>
      (await redis.exists(sessionOf(claims))) === 1,
  }
}

type Denylist = ReturnType<typeof createDenylist>

/** Whether the tokens of a login share a session claim: not where the denylist cannot use it. */
const hasSession = (fault: Fault | undefined) =>
  fault !== 'denylist by the text' && fault !== 'denylist by jti alone'

function createLogin(fault: Fault | undefined) {
  const tokensOf = async (sub: string, sid: string) => {
    const session = hasSession(fault) ? { sid } : {}
    return {
      access_token: await sign({ sub, ...session }),
      refresh_token: await sign({ sub, sid, kind: 'refresh' }),
    }
  }
  return tokensOf
}

/** Who is asking, where that is a user whose token is not ended. */
async function check(
  denylist: Denylist,
  fault: Fault | undefined,
  token: string,
): Promise<JWTPayload> {
  const claims = await verify(token)
  let isEnded: boolean
  try {
    isEnded = await denylist.isEnded(token, claims)
  } catch {
    if (fault === 'fail-open on a store error') return claims
    throw new Refusal(fault === '401 for a good token on a store error' ? 401 : 503)
  }
  if (isEnded) throw new Refusal(401)
  return claims
}

/** The claims of a token that is to be logged out. */
async function verifyAtLogout(fault: Fault | undefined, token: string): Promise<JWTPayload> {
  if (fault === 'unsigned token accepted at logout') return decodeJwt(token)
  if (fault !== 'expired token stuck') return verify(token)
  const isExpired = await jwtVerify(token, key).then(
    () => false,
    (error: unknown) => error instanceof errors.JWTExpired,
  )
  if (isExpired) throw new Refusal(500)
  return verify(token)
}

async function logOut(
  denylist: Denylist,
  fault: Fault | undefined,
  request: IncomingMessage,
): Promise<void> {
  const bearer = bearerOf(request)
  const { token: named = bearer } = await bodyOf(request)
  const [mine, theirs] = [await verifyAtLogout(fault, bearer), await verifyAtLogout(fault, named)]
  if (mine.sub !== theirs.sub && fault !== 'logout of another user') throw new Refusal(401)
  try {
    if (await denylist.isEnded(bearer, mine))
      throw new Refusal(fault === 'second logout is an error' ? 500 : 401)
    await denylist.end(bearer, mine)
    if (named !== bearer) await denylist.end(named, theirs)
  } catch (error) {
    if (error instanceof Refusal) throw error
    if (fault !== '200 on a store error') throw new Refusal(500)
  }
}

export type Planted = Readonly<{ origins: readonly [string, string]; stop(): Promise<void> }>

/** Two instances of a home-made API with login, logout and a denylist in Redis, and one fault. */
export async function startPlanted(fault: Fault | undefined, redisUrl: string): Promise<Planted> {
  const redis = new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
  })
  redis.on('error', () => undefined)
  await once(redis, 'ready')
  const denylist = createDenylist(redis, fault)
  const sockets = new WebSocketServer({ noServer: true })
  const endSockets = async () => {
    for (const socket of sockets.clients) {
      const { token, claims } = socket as unknown as { token: string; claims: JWTPayload }
      if (await denylist.isEnded(token, claims)) socket.close(4401)
    }
  }
  const instances = await Promise.all(
    [0, 1].map((index) =>
      listen(
        createInstance({ fault, denylist, endSockets, index }),
        async (request) => {
          const token = bearerOf(request)
          return { token, claims: await check(denylist, fault, token) }
        },
        sockets,
      ),
    ),
  )
  const [first, second] = instances
  if (first === undefined || second === undefined) throw new Error('no instances')
  return {
    origins: [first.origin, second.origin],
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      await Promise.all(instances.map(({ stop }) => stop()))
      redis.disconnect()
    },
  }
}

type Parts = Readonly<{
  fault: Fault | undefined
  denylist: Denylist
  endSockets: () => Promise<void>
  index: number
}>
type Handler = (request: IncomingMessage) => Promise<object>

function createInstance({ fault, denylist, endSockets, index }: Parts): Record<string, Handler> {
  const hasCache = fault === 'second instance with a cache of its own' && index === 1
  const cache = new Map<string, JWTPayload>()
  const login = createLogin(fault)
  return {
    'POST /login': async (request) => login((await bodyOf(request))['user'] ?? '', randomUUID()),
    'POST /logout': async (request) => {
      await logOut(denylist, fault, request)
      if (fault !== 'open socket lives') await endSockets()
      return {}
    },
    'GET /me': async (request) => {
      const token = bearerOf(request)
      const { sub } = cache.get(token) ?? (await check(denylist, fault, token))
      if (hasCache) cache.set(token, { sub: String(sub) })
      return { sub }
    },
    'POST /refresh': async (request) => {
      const claims = await verify((await bodyOf(request))['refresh_token'] ?? '')
      const lives = fault === 'refreshed token lives'
      if (claims['kind'] !== 'refresh' || (!lives && (await denylist.isSessionEnded(claims))))
        throw new Refusal(401)
      return login(String(claims.sub), lives ? randomUUID() : String(claims['sid']))
    },
  }
}

type Opened = { token: string; claims: JWTPayload }

async function listen(
  handlers: Record<string, Handler>,
  open: (request: IncomingMessage) => Promise<Opened>,
  sockets: WebSocketServer,
): Promise<{ origin: string; stop(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const handler = handlers[`${request.method} ${request.url}`]
      if (handler === undefined) throw new Refusal(404)
      const body = await handler(request)
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    } catch (error) {
      response.writeHead(error instanceof Refusal ? error.status : 500).end()
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.on('upgrade', (request, socket, head) => {
    open(request).then(
      (opened) =>
        sockets.handleUpgrade(request, socket, head, (live) => void Object.assign(live, opened)),
      () => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
