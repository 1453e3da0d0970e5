import { isDeepStrictEqual } from 'node:util'
import type { IssuerConfig } from './issuer-options.js'
import { isOfSecret } from './issuer-key-options.js'
import { bothFamilies, fixedKeySource, secretKeySource, type KeySource } from './key-source.js'
import { logSkippedKeys, type KeySourceLog } from './key-source-log.js'
import { remoteKeySource } from './remote-key-source.js'
import type { Issuer } from './verification.js'

type Parts = { requireExp: boolean; log: KeySourceLog; now: () => number }

/** Configured issuers with their key sources, which the caller has to close. */
export type OpenIssuers = Readonly<{ issuers: readonly Issuer[]; configs: readonly IssuerConfig[] }>

/**
 * Opens the key sources of issuers. A key source of `before` whose configuration is unchanged is
 * kept, so that a remote key set need not be fetched again. The others of `before` are closed.
 */
export function openIssuers(
  configs: readonly IssuerConfig[],
  parts: Parts,
  before: OpenIssuers = { issuers: [], configs: [] },
): OpenIssuers {
  const kept = (config: IssuerConfig) => {
    const index = before.configs.findIndex(({ keys, algorithms }) =>
      isDeepStrictEqual([keys, algorithms], [config.keys, config.algorithms]),
    )
    return before.issuers[index]?.keys
  }
  const issuers = configs.map((config) => ({
    ...config,
    requireExp: parts.requireExp,
    keys: kept(config) ?? openKeySource(config, parts),
  }))
  const sources = new Set(issuers.map(({ keys }) => keys))
  before.issuers.forEach(({ keys }) => sources.has(keys) || keys.close())
  return { issuers, configs }
}

function openKeySource({ issuer, keys, algorithms }: IssuerConfig, { log, now }: Parts): KeySource {
  const { secrets, jwks, uri, skipped } = keys
  logSkippedKeys(skipped, { issuer }, log)
  const publicKeys =
    uri === undefined ? fixedKeySource(jwks) : remoteKeySource({ uri, fixed: jwks, now, log })
  if (secrets.length === 0) return publicKeys
  const secretKeys = secretKeySource(secrets, algorithms.filter(isOfSecret))
  return bothFamilies(secretKeys, publicKeys)
}
