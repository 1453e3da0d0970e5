import type { IssuerConfig } from '../config/issuers.js'
import { fixedKeySource, secretKeySource, type KeySource } from './key-source.js'
import { remoteKeySource, type KeySourceLog } from './remote-key-source.js'
import type { Issuer } from './verification.js'

/** Configured issuers with their key sources, which have to be closed. */
export function openIssuers(configs: readonly IssuerConfig[], parts: { requireExp: boolean; log: KeySourceLog; now: () => number }): Issuer[] {
  return configs.map((config) => ({ ...config, requireExp: parts.requireExp, keys: openKeySource(config, parts.log, parts.now) }))
}

function openKeySource({ key, algorithms }: IssuerConfig, log: KeySourceLog, now: () => number): KeySource {
  switch (key.kind) {
    case 'secret':
      return secretKeySource(key.secret, algorithms)
    case 'public':
      return fixedKeySource(key.jwks)
    case 'remote':
      return remoteKeySource({ uri: key.uri, now, log })
  }
}
