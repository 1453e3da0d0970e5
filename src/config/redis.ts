import { isIPv6 } from 'node:net'
import type { Option } from '../token/options.js'

export type RedisNode = Readonly<{ host: string; port: number }>
export type RedisCredentials = Readonly<{ username?: string; password?: string }>

/** The nodes of a URL: the Redis itself, the sentinels that know the primary, or nodes of a cluster. */
export type RedisTopology = Readonly<
  { kind: 'plain' } | { kind: 'cluster' } | { kind: 'sentinel'; primaryName: string }
>

export type RedisUrl = Readonly<{
  /** The URL as it was given, which may hold a password. */
  url: string
  isTls: boolean
  topology: RedisTopology
  nodes: readonly RedisNode[]
  /** Those of the nodes; sentinels have their own. */
  credentials: RedisCredentials
  database: number
}>

export type RedisConnection = RedisFiles &
  RedisUrl &
  Readonly<{ sentinelCredentials?: RedisCredentials }>

/** PEM files for TLS; the certificate is that of the client. */
export type RedisFiles = Readonly<{
  caFile?: string | undefined
  certFile?: string | undefined
  keyFile?: string | undefined
}>

/** The value of `REDIS_URL` that stands for the embedded store. */
export const embeddedStore = 'memory:'

const must = {
  scheme:
    'must be a redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster:// URL',
  plain: 'must be a redis:// or rediss:// URL, its path empty or the number of a database',
  oneHost:
    'must be a redis:// or rediss:// URL of one host; several are redis+sentinel:// or redis+cluster://',
  name: 'must have the name of the primary after the addresses, and then nothing or the number of a database: redis+sentinel://host:26379,host:26379/mymaster/0',
  noPath: 'must end after the addresses: a cluster has one database, and no name',
} as const

/** What is wrong with a URL. The message quotes nothing of it, since a password may stand anywhere. */
class UrlFault extends Error {}

/** The address of a Redis. */
export const redisUrl: Option<RedisUrl> = {
  fromText: (text) => text,
  check(value, report) {
    try {
      return parseRedisUrl(typeof value === 'string' ? value : '')
    } catch (error) {
      if (!(error instanceof UrlFault)) throw error
      report(error.message)
      return undefined
    }
  },
}

/** The address of a Redis, or the embedded store. */
export const storeUrl: Option<RedisUrl | typeof embeddedStore> = {
  fromText: (text) => text,
  check: (value, report) =>
    value === embeddedStore ? embeddedStore : redisUrl.check(value, report),
}

/**
 * Parses `redis[s]://[user[:password]@]host[:port][/database]`,
 * `redis[s]+sentinel://[user[:password]@]host:port[,host:port…]/name[/database]` and
 * `redis[s]+cluster://[user[:password]@]host:port[,host:port…]`. User, password and name are
 * percent-encoded. `new URL` refuses a list of hosts with ports.
 *
 * @throws Error that says what is wrong
 */
export function parseRedisUrl(text: string): RedisUrl {
  const [, scheme = '', kind = 'plain', authority = '', path = ''] =
    /^(rediss?)(?:\+(sentinel|cluster))?:\/\/([^/?#]*)([^?#]*)(?:[?#].*)?$/i.exec(text.trim()) ?? []
  if (scheme === '') throw new UrlFault(must.scheme)
  const at = authority.lastIndexOf('@')
  const shared = {
    url: text,
    isTls: scheme.toLowerCase() === 'rediss',
    credentials: credentialsOf(authority.slice(0, Math.max(0, at))),
  }
  const list = authority.slice(at + 1).split(',')
  if (kind.toLowerCase() === 'sentinel')
    return { ...shared, nodes: nodesOf(list), ...sentinelPath(path) }
  if (kind.toLowerCase() === 'cluster') {
    if (path !== '' && path !== '/') throw new UrlFault(must.noPath)
    return { ...shared, nodes: nodesOf(list), topology: { kind: 'cluster' }, database: 0 }
  }
  return { ...shared, nodes: [onlyNode(list)], topology: { kind: 'plain' }, ...plainPath(path) }
}

function credentialsOf(userinfo: string): RedisCredentials {
  const colon = userinfo.indexOf(':')
  const [username, password] =
    colon === -1
      ? [decoded(userinfo), '']
      : [decoded(userinfo.slice(0, colon)), decoded(userinfo.slice(colon + 1))]
  return { ...(username && { username }), ...(password && { password }) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new UrlFault(
      'must be a redis:// URL whose user, password and name are percent-encoded UTF-8',
    )
  }
}

/** Every sentinel of a list has one vote, and so must not stand in it twice. */
function nodesOf(list: readonly string[]): RedisNode[] {
  const nodes = list.map((text, index) => {
    const node = nodeOf(text)
    if (node !== undefined) return node
    throw new UrlFault(
      `must list addresses as host:port, with commas between them; address ${index + 1} is none`,
    )
  })
  const names = nodes.map(({ host, port }) => `${host.toLowerCase()}:${port}`)
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (twice !== -1)
    throw new UrlFault(`must list each address once; address ${twice + 1} is there twice`)
  return nodes
}

const defaultPort = '6379'

function onlyNode([text = '', ...others]: readonly string[]): RedisNode {
  if (others.length > 0) throw new UrlFault(must.oneHost)
  const isWithPort = /:\d+$/.test(text) && !isIPv6(text)
  const node = nodeOf(isWithPort ? text : `${text.replace(/:$/, '')}:${defaultPort}`)
  if (node === undefined) throw new UrlFault(must.plain)
  return node
}

function nodeOf(text: string): RedisNode | undefined {
  const [, ipv6, name, digits] = /^(?:\[([^\]]+)\]|([^\s:@[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (!(port >= 1 && port <= 65_535)) return undefined
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined
  return name === undefined ? undefined : { host: name, port }
}

function plainPath(path: string): Pick<RedisUrl, 'database'> {
  const [, database] = /^\/?(\d*)$/.exec(path) ?? []
  if (database === undefined) throw new UrlFault(must.plain)
  return { database: Number(database) }
}

function sentinelPath(path: string): Pick<RedisUrl, 'topology' | 'database'> {
  const [, name = '', database] = /^\/([^/]+)(?:\/(\d*))?$/.exec(path) ?? []
  const primaryName = decoded(name)
  if (primaryName === '' || /\s/.test(primaryName)) throw new UrlFault(must.name)
  return { topology: { kind: 'sentinel', primaryName }, database: Number(database ?? '') }
}
