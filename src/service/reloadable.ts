import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Client, ClientConfig } from '../access/client.js'
import { limitKeyWaits } from '../access/key-waits.js'
import type { Config } from '../config/config.js'
import type { FetchedKeySet, KeySource } from '../token/key-source.js'
import type { KeySourceLog } from '../token/key-source-log.js'
import type { Transmitter, TransmitterConfig } from '../signals/transmitters.js'
import {
  keySourceOf,
  openIssuers,
  openKeySources,
  type OpenIssuers,
  type OpenKeySources,
} from '../token/open-issuers.js'
import { warnOfClaims, warnOfUnusableClaims } from '../token/unusable-claims.js'
import { createVerification, logoutTokenIssuers, type Verification } from '../token/verification.js'

/** Issuers, machine clients and transmitters, which a reload replaces while the service runs. */
export type Reloadable = Readonly<{
  verification: Verification
  /** The verification of logout tokens (OpenID Connect Back-Channel Logout 1.0). */
  logoutTokens: Verification
  issuers(): OpenIssuers['issuers']
  clients(): readonly Client[]
  transmitters(): readonly Transmitter[]
  keySources(): readonly KeySource[]
  /** The key sets that are fetched, each with the name of its issuer. */
  keySets(): readonly IssuerKeySet[]
  /**
   * Replaces issuers, clients and transmitters by those of a configuration. A throwaway key stays for its run.
   *
   * @returns whether the machine clients differ
   */
  reload(config: Config): { clientsDiffer: boolean }
  close(): void
}>

/** `issuer` is `(any)` where tokens of any issuer are accepted. */
export type IssuerKeySet = FetchedKeySet & Readonly<{ issuer: string }>

type Parts = Readonly<{ config: Config; log: Logger; now: () => number }>
type Trusted = Readonly<{
  opened: OpenIssuers
  configs: readonly ClientConfig[]
  clients: readonly Client[]
  clientKeys: OpenKeySources
  transmitters: readonly Transmitter[]
  transmitterKeys: OpenKeySources
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
    transmitters: () => trusted.transmitters,
    keySources,
    keySets: () => keySetsOf(trusted.opened),
    reload(next) {
      const clientsDiffer = !isDeepStrictEqual(next.clients, trusted.configs)
      if (config.throwawaySecret === undefined) trusted = open(next, trusted)
      return { clientsDiffer }
    },
    close() {
      const { clientKeys, transmitterKeys } = trusted
      for (const source of [...keySources(), ...clientKeys.sources, ...transmitterKeys.sources])
        source.close()
    },
  }
}

const keySetsOf = ({ issuers }: OpenIssuers): IssuerKeySet[] =>
  issuers.flatMap(({ issuer = '(any)', keys }) => {
    const fetched = keys.fetched?.()
    return fetched === undefined ? [] : [{ ...fetched, issuer }]
  })

/**
 * The log of key sets, without their failures, which are outages. Keys that are fetched again
 * without a change are no news.
 */
function keySourceLog(log: Logger): KeySourceLog {
  const known = new Map<string, unknown>()
  return {
    debug: (details, message) => log.debug(details, message),
    info(details, message) {
      const { origin = '', keys } = details as { origin?: string; keys?: number }
      log[known.get(origin) === keys ? 'debug' : 'info'](details, message)
      known.set(origin, keys)
    },
    warn: (details, message) => log.warn(details, message),
    error: () => undefined,
  }
}

/** Opens what a configuration trusts. Clock skew and token length stay as at the start. */
function createOpener({ config, log, now }: Parts) {
  const { maxClockSkewMs, maxTokenLength } = config
  const warn = (details: object, message: string) => log.warn(details, message)
  const onVerified = warnOfClaims(now, warn)
  const onLogoutToken = warnOfUnusableClaims(now, warn)
  const keyLog = keySourceLog(log)
  const shared = { now, maxClockSkewMs, maxTokenLength }
  return ({ issuers, clients, transmitters, requireExp }: Config, before?: Trusted): Trusted => {
    const opened = openIssuers(issuers, { requireExp, log: keyLog, now }, before?.opened)
    return {
      opened,
      configs: clients,
      ...openClients(clients, { log, now }, before?.clientKeys),
      ...openTransmitters(transmitters, { log, now }, before?.transmitterKeys),
      verification: createVerification({ ...shared, issuers: opened.issuers, onVerified }),
      logoutTokens: createVerification({
        ...shared,
        issuers: logoutTokenIssuers(opened.issuers),
        logoutTokens: true,
        onVerified: onLogoutToken,
      }),
    }
  }
}

/** Opens the key sources of the clients that have keys. */
function openClients(
  configs: readonly ClientConfig[],
  parts: Pick<Parts, 'log' | 'now'>,
  before: OpenKeySources | undefined,
): Pick<Trusted, 'clients' | 'clientKeys'> {
  const signers = configs.flatMap(({ authentication }) =>
    'keys' in authentication ? [authentication] : [],
  )
  const clientKeys = openKeySources(signers, parts, before)
  const clients = configs.map(({ authentication, ...client }): Client => {
    if (!('keys' in authentication)) return { ...client, authentication }
    const keys = keySourceOf(clientKeys, authentication)
    return { ...client, authentication: { ...authentication, keys } }
  })
  return { clients, clientKeys }
}

/** Opens the key sources of the transmitters. */
function openTransmitters(
  configs: readonly TransmitterConfig[],
  parts: Pick<Parts, 'log' | 'now'>,
  before: OpenKeySources | undefined,
): Pick<Trusted, 'transmitters' | 'transmitterKeys'> {
  const transmitterKeys = openKeySources(configs, parts, before)
  const transmitters = configs.map((config) => ({
    ...config,
    keys: keySourceOf(transmitterKeys, config),
  }))
  return { transmitters, transmitterKeys }
}
