import { ConfigError, parseConfig, type Config } from '../config/config.js'
import type { Environment } from '../config/read-variables.js'
import { warnOfUnknownVariables } from '../config/unknown-variables.js'
import { errorText } from '../runtime/error-text.js'
import { urlAddress } from '../runtime/url-address.js'
import { tryRedis, trySessionRedis, type RedisTrial } from '../store/redis/trial.js'
import { createDiscovery, type Discovery } from '../token/discovery.js'
import { tryKeySet } from '../token/remote-key-source.js'
import { addressOf, externalOf, summaryOf } from './config-summary.js'
import { warnOfIssuers, warnOfMemoryStore } from './warnings.js'

type Print = (line: string) => void

/**
 * Reads the environment as the service does, tries the store and the key sets, and prints what was
 * found, without any secret. It changes nothing, and ends within the deadlines of the connections.
 *
 * @returns whether nothing is wrong
 */
export async function checkConfig(env: Environment, print: Print): Promise<boolean> {
  const config = readConfig(env, print)
  // A warning has details before its text, which are for the log.
  const log = { warn: (...given: unknown[]) => print(`warning: ${String(given.at(-1))}`) }
  warnOfUnknownVariables(env, log)
  if (config === undefined) return false
  warnOfIssuers(config, log)
  warnOfMemoryStore(config, log)
  print(`listens on ${config.host}, port ${config.port}`)
  if (config.throwawaySecret !== undefined)
    print('no key is configured: each run makes one of its own, for trials')
  for (const [name, text] of summaryOf(config)) print(`${name}: ${text}`)
  const trials = await Promise.all(trialsOf(config).map(tried))
  for (const { line } of trials) print(line)
  return trials.every(({ isGood }) => isGood)
}

function readConfig(env: Environment, print: Print): Config | undefined {
  try {
    return parseConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    error.faults.forEach((fault) => print(`wrong: ${fault}`))
    return undefined
  }
}

/** `run` says what it has found; it throws when the service would not be ready. */
type Trial = Readonly<{ name: string; run: () => Promise<string> }>

async function tried({ name, run }: Trial): Promise<{ line: string; isGood: boolean }> {
  try {
    return { line: `${name}: ${await run()}`, isGood: true }
  } catch (error) {
    return { line: `${name}: failed: ${errorText(error)}`, isGood: false }
  }
}

function trialsOf(config: Config): Trial[] {
  const { issuers, transmitters, redis } = config
  const { redisMinReplicas: minReplicas, storeTimeoutMs: timeoutMs } = config
  const clockToleranceMs = config.maxClockSkewMs + timeoutMs
  const sessionRedis = externalOf(config)
  const signers = [...issuers, ...transmitters]
  const uris = new Set(signers.flatMap(({ keys }) => keys.uri ?? []))
  const discovered = new Set(signers.flatMap(({ keys }) => keys.discovery ?? []))
  const store: Trial =
    redis === undefined
      ? { name: 'store', run: async () => 'embedded; a restart forgets every revocation' }
      : {
          name: `store ${addressOf(redis)}`,
          run: async () =>
            storeText(await tryRedis(redis, { minReplicas, timeoutMs, clockToleranceMs })),
        }
  const sessions: Trial[] =
    sessionRedis === undefined
      ? []
      : [
          {
            name: `session data ${addressOf(sessionRedis)}`,
            run: () => trySessionRedis(sessionRedis, timeoutMs).then(() => 'answers'),
          },
        ]
  return [
    store,
    ...sessions,
    ...[...uris].map((uri) => keySetTrial(uri, uri)),
    ...[...discovered].map((issuer) =>
      keySetTrial(
        issuer,
        createDiscovery({ issuer, now: Date.now, log: { warn: () => undefined } }),
      ),
    ),
  ]
}

const keySetTrial = (address: string, uri: string | Discovery): Trial => ({
  name: `key set ${urlAddress(address)}`,
  async run() {
    const { keys, skipped } = await tryKeySet(uri)
    const unused = skipped.map(({ kid = 'without kid', reason }) => `; unused: ${kid}, ${reason}`)
    return `${keys.length} keys that verify${unused.join('')}`
  },
})

/** @throws Error where a logout would fail */
function storeText(found: RedisTrial): string {
  const { version, store, eviction, persistence, layout, auditEvents } = found
  if (store !== 'ok')
    throw new Error('it would take no write: a replica, full, or without enough replicas')
  if (eviction === 'failed') throw new Error('maxmemory-policy is not noeviction')
  return [
    `Redis ${version}`,
    layout === undefined
      ? 'no data of cierre yet'
      : `layout ${layout}, ${auditEvents} audit events`,
    ...(eviction === 'warning' ? ['warning: it does not say its maxmemory-policy'] : []),
    ...(persistence === 'warning' ? ['warning: AOF is off or fails, so a restart forgets'] : []),
  ].join('; ')
}
