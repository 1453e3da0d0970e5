import type { IssuerConfig } from '../token/issuer-options.js'
import type { Reader } from '../token/option-reader.js'

/** The Redis of `REDIS_URL`; nothing for the embedded store. */
export function readRedis(reader: Reader, hasThrowawayKey: boolean): RedisConnection | undefined {
  const url = reader.secret('REDIS_URL')
  const caFile = reader.text('REDIS_CA_FILE')
  const ca = reader.file('REDIS_CA_FILE')
  if (ca !== undefined && !ca.includes('BEGIN CERTIFICATE'))
    reader.fault('REDIS_CA_FILE', 'holds no PEM certificate')
  if (url === 'memory:') return undefined
  if (url !== undefined) return redisConnection(reader, 'REDIS_URL', url, caFile)
  if (!hasThrowawayKey)
    reader.fault(
      'REDIS_URL',
      'must be set; REDIS_URL=memory: accepts revocations that end with the process',
    )
  return undefined
}

/** Where session data is: the Redis of `SESSION_REDIS_URL`, else that of the revocations. */
export function readSessionRedis(
  reader: Reader,
  redis: RedisConnection | undefined,
  issuers: readonly IssuerConfig[],
): RedisConnection | undefined {
  const url = reader.secret('SESSION_REDIS_URL')
  if (url !== undefined)
    return redisConnection(reader, 'SESSION_REDIS_URL', url, reader.text('REDIS_CA_FILE'))
  const needed =
    reader.list('SESSION_KEYS').length > 0 ||
    issuers.some(({ sessionKeys }) => sessionKeys.length > 0)
  if (needed && redis === undefined && reader.secret('REDIS_URL') === 'memory:')
    reader.fault('SESSION_KEYS', 'needs a Redis in SESSION_REDIS_URL or REDIS_URL')
  return redis
}

function redisConnection(
  reader: Reader,
  name: string,
  url: string,
  caFile: string | undefined,
): RedisConnection {
  if (!isRedisUrl(url))
    reader.fault(
      name,
      'must be a redis:// or rediss:// URL, its path empty or the number of a database',
    )
  return { url, caFile }
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, pathname, hostname, username, password } = new URL(text)
  return (
    /^rediss?:$/.test(protocol) &&
    hostname !== '' &&
    /^(?:|\/\d*)$/.test(pathname) &&
    isDecodable(username) &&
    isDecodable(password)
  )
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

export type RedisConnection = { url: string; caFile?: string | undefined }
