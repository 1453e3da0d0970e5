import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { newClient } from '../../src/store/redis/client.js'
import { end, freePort, start, until } from './processes.js'
import { startRedis, type TestRedis } from './redis.js'

/** Several real Redis servers, one of which has the revocations. */
export type TestTopology = {
  url: string
  nodes: readonly TestRedis[]
  /** The server that has the revocations by the opinion of the others; `undefined` while none has. */
  primary(): Promise<TestRedis | undefined>
  /** Replicas that the primary has online. */
  onlineReplicas(): Promise<number>
  /** Gives the revocations to another server, without a kill. */
  failOver(): Promise<void>
  /** Connections to all servers that run, without those of replication, of sentinels, of the test. */
  connections(): Promise<string[]>
  stop(): Promise<void>
}

/** What the servers have beyond the needs of their topology. */
export type TopologySetup = Readonly<{
  /** Further arguments of each node. */
  nodes?: readonly string[]
  /** Further lines in the file of each sentinel. */
  sentinels?: readonly string[]
  /** Files of each server, sentinels included. They speak TLS then, to each other too. */
  tls?: Readonly<{ ca: string; cert: string; key: string }>
}>

/** Settings of TLS, each with its value. The test itself uses the port without TLS. */
async function tlsSettings(files: TopologySetup['tls']): Promise<[name: string, value: string][]> {
  if (files === undefined) return []
  return [
    ['tls-port', String(await freePort())],
    ['tls-ca-cert-file', files.ca],
    ['tls-cert-file', files.cert],
    ['tls-key-file', files.key],
    ['tls-replication', 'yes'],
  ]
}

async function startNode({ nodes = [], tls }: TopologySetup, more: readonly string[] = []) {
  const settings = (await tlsSettings(tls)).flatMap(([name, value]) => [`--${name}`, value])
  return startRedis([...more, ...settings, ...nodes])
}

const schemeOf = ({ tls }: TopologySetup) => (tls === undefined ? 'redis' : 'rediss')

const isUp = (node: TestRedis) => {
  try {
    return node.client.isReady
  } catch {
    return false
  }
}

/** A cluster that has lost most of its primaries answers no read, so all are read before one ends. */
async function stopAll(nodes: readonly TestRedis[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.inspect()))
  await Promise.all(nodes.map((node) => node.discard()))
}

const infoOf = async (node: TestRedis, section: string) => String(await node.client.info(section))

export const onlineReplicasOf = async (node: TestRedis | undefined) =>
  node === undefined || !isUp(node)
    ? 0
    : ((await infoOf(node, 'replication').catch(() => '')).match(/state=online/g)?.length ?? 0)

/** Connections by their lines of `CLIENT LIST`. */
async function connectionsOf(nodes: readonly TestRedis[]): Promise<string[]> {
  const lists = await Promise.all(
    nodes.filter(isUp).map(async (node) => {
      const own = `id=${await node.client.clientId()} `
      const text = await node.client.sendCommand<string>(['CLIENT', 'LIST', 'TYPE', 'NORMAL'])
      return text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith(own) && !line.includes('name=sentinel-'))
    }),
  )
  return lists.flat()
}

async function follow(replica: TestRedis, primary: TestRedis) {
  await replica.client.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.peerPort)])
}

type Sentinel = { port: number; ask(...command: string[]): Promise<unknown>; stop(): Promise<void> }

const primaryName = 'main'

async function startSentinel(watched: number, setup: TopologySetup): Promise<Sentinel> {
  const port = await freePort()
  const dir = mkdtempSync(joinPath(tmpdir(), 'cierre-sentinel-'))
  const file = joinPath(dir, 'sentinel.conf')
  const tls = await tlsSettings(setup.tls)
  const own = setup.sentinels ?? []
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${primaryName} 127.0.0.1 ${watched} 2`,
    `sentinel down-after-milliseconds ${primaryName} 1000`,
    `sentinel failover-timeout ${primaryName} 4000`,
    ...tls.map((setting) => setting.join(' ')),
    ...own,
    '',
  ]
  writeFileSync(file, lines.join('\n'))
  const child = start('redis-server', [file, '--sentinel'])
  const password = /^requirepass (\S+)$/m.exec(own.join('\n'))?.[1]
  const client = newClient({
    url: `redis://127.0.0.1:${port}`,
    ...(password !== undefined && { password }),
    socket: { reconnectStrategy: () => 20 },
  })
  client.on('error', () => undefined)
  await client.connect()
  return {
    port: Number(new Map(tls).get('tls-port') ?? port),
    ask: (...command) => client.sendCommand(['SENTINEL', ...command]),
    async stop() {
      client.destroy()
      child.kill('SIGCONT')
      await end(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export type SentinelTopology = TestTopology & {
  sentinels: readonly Sentinel[]
  /** What each sentinel says: the port of the primary. */
  named(): Promise<number[]>
}

/** Three sentinels, a primary and two replicas. */
export async function startSentinels(setup: TopologySetup = {}): Promise<SentinelTopology> {
  const nodes = await Promise.all([startNode(setup), startNode(setup), startNode(setup)])
  const [first, ...others] = nodes
  for (const replica of others) await follow(replica, first)
  await until('the replicas are filled', async () => (await onlineReplicasOf(first)) === 2)
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(first.peerPort, setup)))
  await until('the sentinels know each other and the replicas', async () => {
    const facts = await Promise.all(sentinels.map(({ ask }) => ask('MASTER', primaryName)))
    return facts.every((fact) => /num-slaves,2,num-other-sentinels,2/.test(String(fact)))
  })
  const named = () =>
    Promise.all(
      sentinels.map(async ({ ask }) =>
        Number(((await ask('GET-MASTER-ADDR-BY-NAME', primaryName)) as string[])[1]),
      ),
    )
  const primary = async () => {
    const ports = await named()
    return nodes.find(({ peerPort }) => ports.filter((one) => one === peerPort).length >= 2)
  }
  return {
    url: `${schemeOf(setup)}+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${primaryName}`,
    nodes,
    sentinels,
    named,
    primary,
    onlineReplicas: async () => onlineReplicasOf(await primary()),
    async failOver() {
      const before = await primary()
      await until('a failover begins', async () => {
        const answer = await sentinels[0]!.ask('FAILOVER', primaryName).catch(() => '')
        return answer === 'OK'
      })
      await until('all sentinels name another primary', async () =>
        (await named()).every((port) => port !== before?.peerPort),
      )
    },
    connections: () => connectionsOf(nodes),
    async stop() {
      for (const sentinel of sentinels) await sentinel.stop()
      await stopAll(nodes)
    },
  }
}

/** The slot of `{c}`. */
export const tagSlot = 7365

export type ClusterTopology = TestTopology & {
  /** Moves the slot of the revocations, with its keys, to another primary. */
  migrate(to: TestRedis): Promise<void>
  /** Primaries without the revocations, at the start. */
  others: readonly TestRedis[]
}

const inCluster = (node: TestRedis, ...command: string[]) =>
  node.client.sendCommand<string>(['CLUSTER', ...command])

async function startClusterNode(setup: TopologySetup) {
  const busPort = String(await freePort())
  const node = await startNode(setup, [
    ...['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '2000'],
    ...['--cluster-allow-reads-when-down', 'no', '--cluster-allow-replica-migration', 'no'],
    ...(setup.tls === undefined ? [] : ['--tls-cluster', 'yes']),
  ])
  return { node, busPort }
}

/** Whether a node says of itself that it is the primary with the revocations. */
async function hasTagSlot(node: TestRedis): Promise<boolean> {
  const nodes = await inCluster(node, 'NODES').catch(() => '')
  const own = /^.* myself,master .*$/m.exec(nodes)?.[0] ?? ''
  return [...own.matchAll(/ (\d+)(?:-(\d+))?(?= |$)/g)].some(
    ([, from, to = from]) => Number(from) <= tagSlot && tagSlot <= Number(to),
  )
}

async function join(nodes: readonly TestRedis[], busPorts: readonly string[]): Promise<void> {
  const [owner, second, third, ...replicas] = nodes as [TestRedis, TestRedis, TestRedis]
  const all = (holds: (node: TestRedis) => Promise<boolean>) => async () =>
    (await Promise.all(nodes.map(holds))).every(Boolean)
  for (const [index, node] of nodes.entries())
    await inCluster(node, 'SET-CONFIG-EPOCH', String(index + 1))
  await inCluster(owner, 'ADDSLOTSRANGE', '5000', '9999')
  await inCluster(second, 'ADDSLOTSRANGE', '0', '4999')
  await inCluster(third, 'ADDSLOTSRANGE', '10000', '16383')
  for (const [index, node] of nodes.entries())
    if (node !== owner)
      await inCluster(owner, 'MEET', '127.0.0.1', String(node.peerPort), busPorts[index]!)
  const areKnown = async (node: TestRedis) => {
    const known = (await inCluster(node, 'NODES')).trim().split('\n')
    return known.length === nodes.length && known.every((line) => !line.includes('handshake'))
  }
  await until('the nodes know each other', all(areKnown))
  for (const [index, replica] of (replicas as TestRedis[]).entries())
    await inCluster(replica, 'REPLICATE', await inCluster(index < 2 ? owner : second, 'MYID'))
  const isWhole = async (node: TestRedis) =>
    (await inCluster(node, 'INFO')).includes('cluster_state:ok') &&
    (await inCluster(node, 'NODES')).match(/\bslave /g)?.length === replicas.length
  await until('the cluster is whole', all(isWhole))
  await until(
    'the replicas are filled',
    async () => (await onlineReplicasOf(owner)) === 2 && (await onlineReplicasOf(second)) === 1,
  )
}

/** @throws Error when the node that has the revocations has no replica */
async function failOverCluster(nodes: readonly TestRedis[], before: TestRedis): Promise<void> {
  const id = await inCluster(before, 'MYID')
  for (const node of nodes.filter(isUp)) {
    if (!(await inCluster(node, 'NODES')).includes(`myself,slave ${id}`)) continue
    await inCluster(node, 'FAILOVER')
    await until(
      'it alone has the slot',
      async () => (await hasTagSlot(node)) && !(await hasTagSlot(before)),
    )
    return
  }
  throw new Error('no replica to fail over to')
}

async function moveTagSlot(nodes: readonly TestRedis[], from: TestRedis, to: TestRedis) {
  const slot = String(tagSlot)
  const id = await inCluster(to, 'MYID')
  await inCluster(to, 'SETSLOT', slot, 'IMPORTING', await inCluster(from, 'MYID'))
  await inCluster(from, 'SETSLOT', slot, 'MIGRATING', id)
  for (;;) {
    const keys = await from.client.sendCommand<string[]>(['CLUSTER', 'GETKEYSINSLOT', slot, '500'])
    if (keys.length === 0) break
    const target = ['127.0.0.1', String(to.peerPort), '', '0', '5000']
    await from.client.sendCommand(['MIGRATE', ...target, 'KEYS', ...keys])
  }
  for (const node of [to, from, ...nodes.filter((one) => one !== to && one !== from && isUp(one))])
    // A replica refuses it, and hears of it.
    await inCluster(node, 'SETSLOT', slot, 'NODE', id).catch(() => undefined)
}

/**
 * Six nodes: the owner of the slot has two replicas, one other primary has one, and the third has
 * none.
 */
export async function startCluster(setup: TopologySetup = {}): Promise<ClusterTopology> {
  const opened = await Promise.all(Array.from({ length: 6 }, () => startClusterNode(setup)))
  const nodes = opened.map(({ node }) => node)
  await join(
    nodes,
    opened.map(({ busPort }) => busPort),
  )
  const primary = async () => {
    for (const node of nodes.filter(isUp)) if (await hasTagSlot(node)) return node
    return undefined
  }
  const known = async () => {
    const found = await primary()
    if (found === undefined) throw new Error('no node has the slot')
    return found
  }
  const seeds = nodes.slice(0, 3).map(({ peerPort }) => `127.0.0.1:${peerPort}`)
  return {
    url: `${schemeOf(setup)}+cluster://${seeds.join(',')}`,
    nodes,
    others: nodes.slice(1, 3),
    primary,
    onlineReplicas: async () => onlineReplicasOf(await primary()),
    failOver: async () => failOverCluster(nodes, await known()),
    migrate: async (to) => moveTagSlot(nodes, await known(), to),
    connections: () => connectionsOf(nodes),
    async stop() {
      await stopAll(nodes)
    },
  }
}
