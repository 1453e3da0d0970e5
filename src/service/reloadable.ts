import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Client } from '../access/clients.js'
import { limitKeyWaits } from '../access/key-waits.js'
import type { Config } from '../config/config.js'
import type { KeySource } from '../token/key-source.js'
import { openIssuers, type OpenIssuers } from '../token/open-issuers.js'
import { warnOfUnusableClaims } from '../token/unusable-claims.js'
import { createVerification, logoutTokenIssuers, type Verification } from '../token/verification.js'

/** Issuers and machine clients, which a reload replaces while the service runs. */
export type Reloadable = Readonly<{
  verification: Verification
  /** The verification of logout tokens (OpenID Connect Back-Channel Logout 1.0). */
  logoutTokens: Verification
  issuers(): OpenIssuers['issuers']
  clients(): readonly Client[]
  keySources(): readonly KeySource[]
  /**
   * Replaces issuers and clients by those of a configuration. A throwaway key stays for its run.
   *
   * @returns whether the machine clients differ
   */
  reload(config: Config): { clientsDiffer: boolean }
  close(): void
}>

type Parts = Readonly<{ config: Config; log: Logger; now: () => number }>
type Trusted = Readonly<{
  opened: OpenIssuers
  clients: readonly Client[]
  verification: Verification
  logoutTokens: Verification
}>

export function createReloadable({ config, log, now }: Parts): Reloadable {
  const open = createOpener({ config, log, now })
  let trusted = open(config)
  const keySources = () => trusted.opened.issuers.map(({ keys }) => keys)
  return {
    verification: limitKeyWaits(() => trusted.verification),
    logoutTokens: limitKeyWaits(() => trusted.logoutTokens),
    issuers: () => trusted.opened.issuers,
    clients: () => trusted.clients,
    keySources,
    reload(next) {
      const clientsDiffer = !isDeepStrictEqual(next.clients, trusted.clients)
      if (config.throwawaySecret === undefined) trusted = open(next, trusted.opened)
      return { clientsDiffer }
    },
    close: () => keySources().forEach((source) => source.close()),
  }
}

/** Opens what a configuration trusts. Clock skew, token length and cutoff claim stay as at the start. */
function createOpener({ config, log, now }: Parts) {
  const { maxClockSkewMs, maxTokenLength, cutoffClaim } = config
  const onUnusableClaim = warnOfUnusableClaims(now, (details, message) =>
    log.warn(details, message),
  )
  const shared = { now, maxClockSkewMs, maxTokenLength, onUnusableClaim }
  return ({ issuers, clients, requireExp }: Config, before?: OpenIssuers): Trusted => {
    const opened = openIssuers(issuers, { requireExp, log, now }, before)
    return {
      opened,
      clients,
      verification: createVerification({ ...shared, issuers: opened.issuers, cutoffClaim }),
      logoutTokens: createVerification({
        ...shared,
        issuers: logoutTokenIssuers(opened.issuers),
        cutoffClaim: 'iat',
        logoutTokens: true,
      }),
    }
  }
}
