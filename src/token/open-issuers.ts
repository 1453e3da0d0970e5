import { isDeepStrictEqual } from 'node:util'
import type { IssuerConfig } from './issuer-options.js'
import { fixedKeySource, secretKeySource, type KeySource } from './key-source.js'
import { remoteKeySource, type KeySourceLog } from './remote-key-source.js'
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
    const index = before.configs.findIndex(({ key, algorithms }) =>
      isDeepStrictEqual([key, algorithms], [config.key, config.algorithms]),
    )
    return before.issuers[index]?.keys
  }
  const issuers = configs.map((config) => ({
    ...config,
    requireExp: parts.requireExp,
    keys: kept(config) ?? openKeySource(config, parts.log, parts.now),
  }))
  const sources = new Set(issuers.map(({ keys }) => keys))
  before.issuers.forEach(({ keys }) => sources.has(keys) || keys.close())
  return { issuers, configs }
}

function openKeySource(
  { key, algorithms }: IssuerConfig,
  log: KeySourceLog,
  now: () => number,
): KeySource {
  switch (key.kind) {
    case 'secret':
      return secretKeySource(key.secret, algorithms)
    case 'public':
      return fixedKeySource(key.jwks)
    case 'remote':
      return remoteKeySource({ uri: key.uri, now, log })
  }
}
