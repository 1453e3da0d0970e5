import { readFileSync } from 'node:fs'
import type { RedisConnection, RedisCredentials, RedisNode } from '../../config/redis.js'
import type { ClientOptions } from './client.js'
import { silentForMs } from './connection-attempt.js'

/** How to connect to the servers of one URL. */
export type Dialing = Readonly<{
  optionsFor(node: RedisNode): ClientOptions
  /** Later connections use these. */
  authenticateAs(credentials: RedisCredentials): void
  /** For errors that quote it. */
  password(): string | undefined
}>

type Parts = Pick<RedisConnection, 'isTls' | 'caFile' | 'certFile' | 'keyFile'> &
  Readonly<{ credentials: RedisCredentials; database: number }>

export function createDialing(parts: Parts): Dialing {
  const { database } = parts
  const tls = tlsOf(parts)
  const tlsSocket = () =>
    tls === undefined
      ? {}
      : // node-redis has no listener for errors between the handshake and its next microtask, when a
        // server may refuse the certificate. A signal, which is never used, makes Node add one.
        { ...tls, tls: true as const, signal: new AbortController().signal }
  let { credentials } = parts
  return {
    optionsFor: (node) => ({
      database,
      disableOfflineQueue: true,
      commandsQueueMaxLength: 20_000,
      credentialsProvider: {
        type: 'async-credentials-provider',
        credentials: async () => credentials,
      },
      socket: { ...node, ...tlsSocket(), reconnectStrategy: false, connectTimeout: silentForMs },
    }),
    authenticateAs: (next) => (credentials = next),
    password: () => credentials.password,
  }
}

function tlsOf({ isTls, caFile, certFile, keyFile }: Parts) {
  if (!isTls) return undefined
  return {
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
  }
}
