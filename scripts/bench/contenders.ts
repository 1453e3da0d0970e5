import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commitScript } from '../../src/store/redis/commit.js'
import { startServer, type Server } from './machine.js'
import { clientSecret, requestOf, secret, verificationKey, type Algorithm } from './tokens.js'

/** A server of the comparison. All servers do the same work. */
export type Contender = {
  name: string
  start: (redisUrl: string, algorithm: Algorithm) => Promise<Server>
  /** A request for each of these tokens, all of them new to the server. */
  requests: (server: Server, jwts: readonly string[]) => Promise<Buffer[]>
}

const clients = JSON.stringify([
  {
    id: 'bench',
    secretSha256: createHash('sha256').update(clientSecret).digest('hex'),
    allow: ['feed', 'introspect'],
  },
])
const jwtsIn =
  (request: (jwt: string) => Buffer): Contender['requests'] =>
  async (_server, jwts) =>
    jwts.map(request)

const issuerOf = (algorithm: Algorithm): Record<string, string> => ({
  JWT_ISSUER: 'https://issuer.test',
  JWT_AUDIENCE: 'https://api.test',
  JWT_ALGORITHMS: algorithm,
  ...(algorithm === 'HS256'
    ? { JWT_SECRET: secret }
    : { JWT_PUBLIC_KEY: verificationKey(algorithm) }),
})

/**
 * The service with everything on: both limits (that of the address is so high that it never
 * refuses), audit to stdout and to the trail, session data to delete, and a cookie to expire.
 */
const service = (
  name: string,
  request: (jwt: string) => Buffer,
  env: Record<string, string> = {},
  main = 'dist/main.js',
): Contender => ({
  name,
  start: (redisUrl, algorithm) =>
    startServer(
      [main],
      {
        REDIS_URL: redisUrl,
        ...issuerOf(algorithm),
        CLIENTS: clients,
        RATE_LIMIT_ADDRESS: '1000000/1',
        RATE_LIMIT_SUBJECT: '30/60',
        SESSION_KEYS: 'sess:{sid}',
        SESSION_COOKIES: 'sid; Path=/; Secure',
        ...env,
      },
      '/health/ready',
    ),
  requests: jwtsIn(request),
})

const peer = (name: string, file: string, env: Record<string, string> = {}): Contender => ({
  name,
  start: (redisUrl, algorithm) =>
    startServer(
      [`scripts/bench/servers/${file}.mjs`],
      { REDIS_URL: redisUrl, ALGORITHM: algorithm, KEY: verificationKey(algorithm), ...env },
      '/',
    ),
  requests: jwtsIn(requestOf.logout),
})

/** oidc-provider accepts only its own tokens, so it issues a token for each JWT. */
const provider = (name: string, request: (token: string) => Buffer): Contender => ({
  name,
  start: (redisUrl) =>
    startServer(
      ['scripts/bench/servers/oidc-provider.mjs'],
      { REDIS_URL: redisUrl, CLIENT_SECRET: clientSecret },
      '/jwks',
      { ipc: true },
    ),
  async requests({ child }, { length }) {
    const minted = once(child, 'message')
    child.send({ mint: length })
    const [{ tokens }] = (await minted) as [{ tokens: string[] }]
    return tokens.map(request)
  },
})

export const cierre = service('cierre, everything on', requestOf.logout)
/** Another build, by the path of its `dist/main.js`. */
export const otherBuild = (main: string) => service('the other build', requestOf.logout, {}, main)
/**
 * The service that stores only revocations, their events and audit events. A key of the rate limit
 * for each subject would enlarge the table of Redis.
 */
export const revocationsOnly = service('cierre', requestOf.logout, {
  SESSION_MAX_LIFETIME_S: '86400',
  RATE_LIMIT_SUBJECT: 'off',
})
/** The service with revocations that expire within the run. */
export const shortSessions = service('cierre, short sessions', requestOf.logout, {
  SESSION_MAX_LIFETIME_S: '1',
  MAX_CLOCK_SKEW_S: '1',
})
export const floorOne = peer('floor (a): verify, one SET', 'floor', { COMMANDS: 'one' })
const floorCommands = { COMMANDS: 'all', COMMIT_SCRIPT: commitScript.text }
export const floorAll = peer(
  'floor (b): verify, every Redis command of cierre',
  'floor',
  floorCommands,
)
export const fastify = peer('Fastify + @fastify/jwt + ioredis, one SET', 'fastify')
/** The peer that matters: a careful team's service, with everything that cierre does. */
export const fastifySameWork = peer('Fastify, the same work by hand', 'fastify-same-work')
export const express = peer('Express + jsonwebtoken + ioredis, secret as a string', 'express')
export const oidcProvider = provider(
  'oidc-provider, revocation of an opaque token',
  requestOf.providerRevocation,
)
const fastifyPipelining = peer('Fastify, one SET, with autopipelining', 'fastify', {
  AUTOPIPELINE: '1',
})
const expressKeyObject = peer('Express + jsonwebtoken + ioredis, KeyObject', 'express', {
  KEY_OBJECT: '1',
})

const owner = 'Koa, @koa/router, koa-bodyparser, koa-openapi'
/** What the packages cost that the service is made of, without any work of its own. */
const packages = (request: (jwt: string) => Buffer): Contender => ({
  name: `floor: ${owner}, a fixed answer`,
  start: () => startServer(['scripts/bench/servers/owner-packages.mjs'], {}, '/'),
  requests: jwtsIn(request),
})
/** The same with the least work: what the service could cost at least. */
const floorWithPackages = peer(
  `floor (c): ${owner}, and the work of (b)`,
  'owner-packages',
  floorCommands,
)
const verifyWithPackages: Contender = {
  ...peer(`floor: ${owner}, and verify`, 'owner-packages', { COMMANDS: 'none' }),
  requests: jwtsIn(requestOf.verify),
}

const comparedForAll = [cierre, floorOne, floorAll, floorWithPackages, fastifySameWork, fastify]

export const loggingOut: Record<Algorithm, Contender[]> = {
  HS256: [
    ...comparedForAll,
    packages(requestOf.logout),
    fastifyPipelining,
    express,
    expressKeyObject,
    oidcProvider,
  ],
  RS256: [...comparedForAll, expressKeyObject],
  ES256: [...comparedForAll, expressKeyObject],
  // jsonwebtoken does not know EdDSA.
  EdDSA: comparedForAll,
}

const introspect = service('cierre, /oauth/introspect', requestOf.introspection)
const verify = service('cierre, /api/v1/auth/verify', requestOf.verify)

const nodeFloor: Contender = {
  name: 'floor: node:http, a fixed answer',
  start: () => startServer(['scripts/bench/servers/check.mjs'], {}, '/'),
  requests: jwtsIn(requestOf.verify),
}

export const asking: Contender[] = [
  verify,
  introspect,
  nodeFloor,
  packages(requestOf.verify),
  verifyWithPackages,
  provider('oidc-provider, introspection of an opaque token', requestOf.providerIntrospection),
]

/** A server on a Unix socket, with a directory for the socket that is removed with it. */
async function onSocket(start: (socket: string) => Promise<Server>): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'cierre-bench-'))
  const path = join(dir, 'socket')
  const server = await start(path)
  return {
    ...server,
    address: { path },
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true })
    },
  }
}

/** The agent, beside a service that it follows and whose CPU does not count. */
const agent: Contender = {
  name: 'cierre agent',
  async start(redisUrl, algorithm) {
    const followed = await verify.start(redisUrl, algorithm)
    const server = await onSocket((socket) =>
      startServer(
        ['dist/main.js', 'agent'],
        {
          ...issuerOf(algorithm),
          CIERRE_URL: followed.origin,
          CIERRE_CLIENT_ID: 'bench',
          CIERRE_CLIENT_SECRET: clientSecret,
          AGENT_SOCKET: socket,
        },
        '/health/ready',
        { portVariable: 'AGENT_ADMIN_PORT' },
      ),
    )
    return {
      ...server,
      async stop() {
        await server.stop()
        await followed.stop()
      },
    }
  },
  requests: jwtsIn(requestOf.check),
}

const checkFloor: Contender = {
  name: 'floor: node:http, a fixed answer',
  start: () =>
    onSocket((socket) => startServer(['scripts/bench/servers/check.mjs'], { SOCKET: socket }, '/')),
  requests: jwtsIn(requestOf.check),
}

/** The agent and the floor on Unix sockets, then the service and, if named, its earlier build. */
export const checking = (earlierBuild: string | undefined): Contender[] => [
  agent,
  checkFloor,
  verify,
  introspect,
  ...(earlierBuild === undefined
    ? []
    : [service('/api/v1/auth/verify of the other build', requestOf.verify, {}, earlierBuild)]),
]
