import { isDeepStrictEqual } from 'node:util'
import { createDiscovery } from './discovery.js'
import type { IssuerConfig } from './issuer-options.js'
import { isOfSecret, type IssuerKeys } from './issuer-key-options.js'
import { bothFamilies, fixedKeySource, secretKeySource, type KeySource } from './key-source.js'
import { logSkippedKeys, type KeySourceLog } from './key-source-log.js'
import { remoteKeySource } from './remote-key-source.js'
import type { Issuer } from './verification.js'

type Parts = Readonly<{ log: KeySourceLog; now: () => number }>

/** Keys as they are configured, and the algorithms that are accepted with them. */
export type SignerConfig = Readonly<{
  /** Whose keys they are, for the log. */
  issuer?: string
  keys: IssuerKeys
  algorithms: readonly string[]
}>

/** Key sources in the order of their configurations; the caller has to close them. */
export type OpenKeySources<Config extends SignerConfig = SignerConfig> = Readonly<{
  configs: readonly Config[]
  sources: readonly KeySource[]
}>

/**
 * Opens key sources. One of `before` whose configuration is unchanged is kept, so that a remote key
 * set need not be fetched again. The others of `before` are closed.
 */
export function openKeySources<Config extends SignerConfig>(
  configs: readonly Config[],
  parts: Parts,
  before: OpenKeySources = { configs: [], sources: [] },
): OpenKeySources<Config> {
  const kept = (config: Config) => {
    const index = before.configs.findIndex(({ keys, algorithms }) =>
      isDeepStrictEqual([keys, algorithms], [config.keys, config.algorithms]),
    )
    return before.sources[index]
  }
  const sources = configs.map((config) => kept(config) ?? openKeySource(config, parts))
  before.sources.forEach((source) => sources.includes(source) || source.close())
  return { configs, sources }
}

/** The key source of one of the configurations. */
export const keySourceOf = <Config extends SignerConfig>(
  { configs, sources }: OpenKeySources<Config>,
  config: Config,
): KeySource => sources[configs.indexOf(config)] as KeySource

/** Configured issuers with their key sources, which the caller has to close. */
export type OpenIssuers = Readonly<{
  issuers: readonly Issuer[]
  opened: OpenKeySources<IssuerConfig>
}>

/** Opens the key sources of issuers, as `openKeySources` does. */
export function openIssuers(
  configs: readonly IssuerConfig[],
  { requireExp, ...parts }: Parts & { requireExp: boolean },
  before?: OpenIssuers,
): OpenIssuers {
  const opened = openKeySources(configs, parts, before?.opened)
  const issuers = configs.map((config) => ({
    ...config,
    requireExp,
    keys: keySourceOf(opened, config),
  }))
  return { opened, issuers }
}

function openKeySource({ issuer, keys, algorithms }: SignerConfig, { log, now }: Parts): KeySource {
  const { secrets, jwks, skipped } = keys
  logSkippedKeys(skipped, { issuer }, log)
  const discovery =
    keys.discovery === undefined ? undefined : createDiscovery({ issuer: keys.discovery, now, log })
  const uri = keys.uri ?? discovery
  const publicKeys =
    uri === undefined ? fixedKeySource(jwks) : remoteKeySource({ uri, fixed: jwks, now, log })
  if (secrets.length === 0) return publicKeys
  const secretKeys = secretKeySource(secrets, algorithms.filter(isOfSecret))
  return bothFamilies(secretKeys, publicKeys)
}
