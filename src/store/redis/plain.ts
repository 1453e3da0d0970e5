import { addressOf } from '../../runtime/network-address.js'
import type { Logger } from 'pino'
import type { RedisConnection, RedisNode } from '../../config/redis.js'
import { ownerOf, readSlots, tagSlot } from './cluster.js'
import type { RedisClient } from './client.js'
import { askOnce } from './connection-attempt.js'
import { createDialing, type Dialing } from './dialing.js'
import { fieldsOf, questionMs, serverAt, type Topology } from './topology.js'

type Parts = Readonly<{
  connection: RedisConnection
  dialing: Dialing
  log: Pick<Logger, 'warn'>
}>

/**
 * The Redis at the address of a `redis://` URL, whatever it is: a proxy or a name may lead to
 * another server later. A node of a cluster and a sentinel are told apart, since no URL of this form
 * follows their primary.
 */
export function plainTopology({ connection, dialing, log }: Parts): Topology {
  const node = connection.nodes[0]!
  let mayRefusePassword = false
  let warned: string | undefined
  const warn = (message: string) => {
    if (warned !== message) log.warn(message)
    warned = message
  }
  const examine = async (client: RedisClient) => {
    const found = await advise(client, connection, node).catch(() => undefined)
    if (found?.serves === false) throw new Error(found.advice)
    if (found !== undefined) warn(found.advice)
  }
  return {
    async addressOfPrimary() {
      if (mayRefusePassword) await examineSentinel(connection, node)
      mayRefusePassword = dialing.password() !== undefined || connection.database > 0
      return node
    },
    async check(client) {
      await client.ping()
      mayRefusePassword = false
      await examine(client)
    },
    close: () => undefined,
  }
}

/**
 * A sentinel without a password refuses one, and has no databases. So after a failure it is asked
 * without either.
 *
 * @throws Error with the URL to write, when it is a sentinel
 */
async function examineSentinel(connection: RedisConnection, node: RedisNode): Promise<void> {
  const bare = createDialing({ ...connection, credentials: {}, database: 0 })
  const found = await askOnce(
    serverAt(node, bare.optionsFor),
    (client) => advise(client, connection, node),
    questionMs,
  ).catch(() => undefined)
  if (found !== undefined) throw new Error(found.advice)
}

type Advice = Readonly<{
  advice: string
  /** Whether this server has the revocations. */
  serves: boolean
}>

/** The URL to write instead of a plain one; `undefined` where the plain one is right. */
async function advise(
  client: RedisClient,
  connection: RedisConnection,
  node: RedisNode,
): Promise<Advice | undefined> {
  const mode = /^redis_mode:(\w+)/m.exec(await client.info('server'))?.[1]
  if (mode === 'sentinel')
    return {
      serves: false,
      advice: `this URL leads to a sentinel; write ${await sentinelUrl(client, connection, node)}`,
    }
  if (mode !== 'cluster') return undefined
  const [slots, id] = [
    await readSlots(client, node),
    await client.sendCommand<string>(['CLUSTER', 'MYID']),
  ]
  const nodes = new Set(slots.flatMap(({ nodes }) => nodes.map(addressOf)))
  const url = urlOf(connection, 'cluster', nodes.size === 0 ? [addressOf(node)] : [...nodes])
  const serves = ownerOf(slots, tagSlot)?.id === id
  const advice = serves
    ? `this URL leads to one node of a cluster and follows no failover; write ${url}`
    : `this URL leads to a node of a cluster that does not have the revocations; write ${url}`
  return { serves, advice }
}

async function sentinelUrl(
  client: RedisClient,
  connection: RedisConnection,
  node: RedisNode,
): Promise<string> {
  const [first] = await client.sendCommand<string[][]>(['SENTINEL', 'MASTERS'])
  const name = first === undefined ? undefined : fieldsOf(first).get('name')
  const others =
    name === undefined ? [] : await client.sendCommand<string[][]>(['SENTINEL', 'SENTINELS', name])
  const addresses = others.map((fields) => {
    const all = fieldsOf(fields)
    return addressOf({ host: all.get('ip') ?? '', port: Number(all.get('port')) })
  })
  const path = `/${encodeURIComponent(name ?? 'NAME')}${connection.database > 0 ? `/${connection.database}` : ''}`
  return `${urlOf(connection, 'sentinel', [addressOf(node), ...addresses])}${path}`
}

function urlOf(
  { isTls, credentials }: RedisConnection,
  kind: 'sentinel' | 'cluster',
  addresses: readonly string[],
): string {
  const { username, password } = credentials
  const userinfo = password === undefined ? '' : `${username === undefined ? '' : 'USER'}:PASSWORD@`
  return `${isTls ? 'rediss' : 'redis'}+${kind}://${userinfo}${addresses.join(',')}`
}
