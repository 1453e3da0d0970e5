import { createHash, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort, run, soon, startRedis, stop } from '../machine.js'
import { clientSecret, newToken, verificationKey } from '../tokens.js'
import type { EchoOrder } from './echo.js'
import type { GuardOrder } from './guard.js'
import { addHost, hub, type NetworkHost } from './hosts.js'
import { ordersTo } from './orders.js'
import type { RelayOrder } from './relay-process.js'

/** ES256, because a key set has public keys, and 300,000 tokens have to be signed. */
export const algorithm = 'ES256'

const program = (file: string) => ['--import', 'tsx', `scripts/bench/network/${file}.ts`]

/** What is stopped at the end, the last first. */
const stops: (() => unknown)[] = []

export async function stopFleet(): Promise<void> {
  for (const stopNext of stops.reverse()) await stopNext()
}

async function startRelay() {
  const child = run(process.execPath, program('relay-process'), {}, true)
  stops.push(() => stop(child))
  const give = ordersTo<RelayOrder>('the relay', child)
  /** Opens a link from a host. @returns the address that the host connects to */
  const open = async (name: string, from: NetworkHost, to: { host: string; port: number }) => {
    const listen = { host: from.relay, port: 0 }
    return `${from.relay}:${await give<number>({ open: { name, listen, to } })}`
  }
  return { give, open }
}

/** A key set like that of an issuer. @returns the port */
async function startIssuer(): Promise<number> {
  const jwk = createPublicKey(verificationKey(algorithm)).export({ format: 'jwk' })
  const keySet = JSON.stringify({ keys: [{ ...jwk, alg: algorithm, use: 'sig' }] })
  const server = createServer((_request, response) =>
    response.setHeader('Content-Type', 'application/json').end(keySet),
  ).listen(0, '127.0.0.1')
  stops.push(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Asks an echo through a relay of its own, between the host of the client and itself. */
async function startEcho({ open }: Awaited<ReturnType<typeof startRelay>>) {
  const child = run(process.execPath, program('echo'), {}, true)
  stops.push(() => stop(child))
  const give = ordersTo<EchoOrder>('the echo', child)
  const address = await open('echo', hub, { host: '127.0.0.1', port: await give<number>('listen') })
  const [host = '', port] = address.split(':')
  await give({ ask: { host, port: Number(port) } })
  return give
}

/** A guard, with the name of its links. */
export type NetworkGuard = Awaited<ReturnType<typeof startGuard>>

async function startGuard(
  name: string,
  maxStalenessMs: number,
  { open }: Awaited<ReturnType<typeof startRelay>>,
  to: { service: { host: string; port: number }; issuer: { host: string; port: number } },
) {
  const host = addHost()
  const env = {
    FEED: `http://${await open(name, host, to.service)}`,
    KEY_SET: `http://${await open(name, host, to.issuer)}/jwks`,
    CLIENT_SECRET: clientSecret,
    GOOD: newToken(algorithm),
    MAX_STALENESS_MS: String(maxStalenessMs),
    NODE_NO_WARNINGS: '1',
  }
  const child = host.run(process.execPath, program('guard'), env, true)
  stops.push(() => stop(child))
  return { name, maxStalenessMs, give: ordersTo<GuardOrder>(name, child) }
}

const clients = JSON.stringify([
  {
    id: 'bench',
    secretSha256: createHash('sha256').update(clientSecret).digest('hex'),
    allow: ['feed'],
  },
])

export type Fleet = Awaited<ReturnType<typeof startFleet>>

/** Starts everything, with a relay on each link, and waits until each guard is fresh. */
export async function startFleet(staleness: readonly number[]) {
  const relay = await startRelay()
  const issuer = { host: '127.0.0.1', port: await startIssuer() }
  const [redisHost, serviceHost] = [addHost(), addHost()]
  const redis = await startRedis('always', redisHost)
  stops.push(redis.stop)
  const service = { host: serviceHost.address, port: await freePort() }
  const redisLink = await relay.open('redis', serviceHost, {
    host: redisHost.address,
    port: redis.port,
  })
  const child = serviceHost.run(process.execPath, ['dist/main.js'], {
    NODE_ENV: 'production',
    HOST: service.host,
    PORT: String(service.port),
    REDIS_URL: `redis://${redisLink}`,
    JWT_ISSUER: 'https://issuer.test',
    JWT_AUDIENCE: 'https://api.test',
    JWT_JWKS_URI: `http://${await relay.open('issuer', serviceHost, issuer)}/jwks`,
    CLIENTS: clients,
    RATE_LIMIT_ADDRESS: 'off',
    RATE_LIMIT_SUBJECT: 'off',
  })
  stops.push(() => stop(child))
  await soon('the service is ready', async () => {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`)
    const url = `http://${service.host}:${service.port}/health/ready`
    return (await fetch(url).catch(() => undefined))?.status === 200
  })
  const guards = await Promise.all(
    staleness.map((ms, index) => startGuard(`guard ${index + 1}`, ms, relay, { service, issuer })),
  )
  for (const { give } of guards) await give('begin')
  const client = await relay.open('client', hub, service)
  const echo = await startEcho(relay)
  return { relay: relay.give, guards, echo, port: Number(client.split(':')[1]) }
}
