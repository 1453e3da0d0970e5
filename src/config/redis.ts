import type { Option } from '../token/options.js'

export type RedisConnection = RedisFiles & Readonly<{ url: string }>

/** PEM files for TLS; the certificate is that of the client. */
export type RedisFiles = Readonly<{
  caFile?: string | undefined
  certFile?: string | undefined
  keyFile?: string | undefined
}>

/** The value of `REDIS_URL` that stands for the embedded store. */
export const embeddedStore = 'memory:'

/** A `redis:` or `rediss:` URL, or one of the texts in `others`. */
export const redisUrl = (others: readonly string[] = []): Option<string> => ({
  fromText: (text) => text,
  check(value, report) {
    if (typeof value === 'string' && (others.includes(value) || isRedisUrl(value))) return value
    report('must be a redis:// or rediss:// URL, its path empty or the number of a database')
    return undefined
  },
})

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
