import { createAddressLimiter, createSubjectLimiter } from '../access/rate-limits.js'
import { createClientAssertions } from '../access/client-assertions.js'
import { createClients } from '../access/clients.js'
import type { Config } from '../config/config.js'
import { throwawayIssuerName } from '../config/rules.js'
import { clearingHeaders, expiringLine } from '../http/cookies.js'
import { homePage, referencePage } from '../http/docs/page.js'
import { backchannelLogout } from '../operations/backchannel-logout.js'
import { contractJson } from '../operations/contract-json.js'
import { contractYaml } from '../operations/contract-yaml.js'
import { createRevocation } from '../operations/create-revocation.js'
import { developmentToken } from '../operations/development-token.js'
import { docs } from '../operations/docs.js'
import { docsFile } from '../operations/docs-file.js'
import { eraseSubject } from '../operations/erase-subject.js'
import { followEvents } from '../operations/follow-events.js'
import { getPosition } from '../operations/get-position.js'
import { getRevocation } from '../operations/get-revocation.js'
import { getSnapshot } from '../operations/get-snapshot.js'
import { globalTokenRevocation } from '../operations/global-token-revocation.js'
import { home } from '../operations/home.js'
import { introspect } from '../operations/introspect.js'
import { listAuditEvents } from '../operations/list-audit-events.js'
import { live } from '../operations/live.js'
import { logout } from '../operations/logout.js'
import { metadata } from '../operations/metadata.js'
import { metrics } from '../operations/metrics.js'
import type { Operations } from '../operations/operation.js'
import { ready } from '../operations/ready.js'
import { revoke } from '../operations/revoke.js'
import { verify } from '../operations/verify.js'
import { createCheck, statusInLiveSet, statusInStore } from '../revocation/check.js'
import { createRevocations } from '../revocation/revocations.js'
import { warnOfRefusedGlobalRevocations } from '../signals/refused-global-revocations.js'
import { warnOfRefusedLogoutTokens } from '../signals/refused-logout-tokens.js'
import { createReplays } from '../signals/replays.js'
import { createUpstreamRevocation } from '../signals/upstream-revocation.js'
import { version } from '../telemetry/version.js'
import { signDevelopmentToken } from '../token/development.js'
import type { SecretKey } from '../token/key-material.js'
import type { ServiceParts } from './parts.js'

/** Every operation of the contract, made from the parts of the service. */
export function createOperations(parts: ServiceParts): Operations {
  const rules = createRules(parts)
  return {
    ...holderOperations(parts, rules),
    ...signalOperations(parts, rules),
    ...clientOperations(parts, rules),
    ...feedOperations(parts, rules),
    ...publicOperations(parts),
  }
}

/** What several operations share. */
function createRules({ config, stores, reloadable, feed, audit, metrics, now }: ServiceParts) {
  const { verification } = reloadable
  const revocations = createRevocations({
    store: stores.revocations,
    liveSet: feed.storedHere,
    now,
    maxClockSkewMs: config.maxClockSkewMs,
    awaitsReplicas: config.redisMinReplicas > 0,
  })
  const failureLimiter =
    config.rateLimitAddress && createAddressLimiter(config.rateLimitAddress, metrics.limited)
  const clients = createClients({
    clients: reloadable.clients,
    assertions: createClientAssertions({
      audience: config.publicUrl,
      now,
      maxClockSkewMs: config.maxClockSkewMs,
      revocations,
    }),
    audit,
    failureLimiter,
  })
  const inStore = statusInStore(revocations, now)
  const inLiveSet = statusInLiveSet(revocations, feed.follower.freshAsOfMs, inStore)
  return {
    verification,
    revocations,
    clients,
    failureLimiter,
    check: createCheck({ verification, statusOf: inStore }),
    checkFast: createCheck({ verification, statusOf: inLiveSet }),
  }
}

type Rules = ReturnType<typeof createRules>

/** For the holder of a token, and for a proxy that acts on the holder's behalf. */
const holderOperations = (
  { config, audit, log, metrics, now }: ServiceParts,
  { verification, revocations, checkFast }: Rules,
) =>
  ({
    logout: logout({
      verification,
      revocations,
      audit,
      subjectLimiter: createSubjectLimiter({
        limit: config.rateLimitSubject,
        revocations,
        onRefused: metrics.limited,
      }),
      revokeUpstream: createUpstreamRevocation({
        timeoutMs: config.upstreamTimeoutMs,
        now,
        warn: (details, message) => log.warn(details, message),
      }),
      expiredEndsSessionMs: config.expiredEndsSessionMs,
      now,
      maxTokenLength: config.maxTokenLength,
      clearingHeaders: clearingHeaders({
        cookies: [...config.sessionCookies, ...(config.authCookie ? [config.authCookie] : [])],
        clearSiteData: config.clearSiteData,
      }),
      authCookie: authCookieOf(config),
    }),
    verify: verify({
      check: checkFast,
      senderConstrained: config.senderConstrained,
      authClaims: config.authClaims,
    }),
  }) satisfies Partial<Operations>

/** For other systems that send revocations. */
const signalOperations = (
  { config, reloadable, audit, log, now }: ServiceParts,
  { revocations, failureLimiter }: Rules,
) => {
  const { issuers, transmitters, logoutTokens } = reloadable
  const warn = (details: object, message: string) => log.warn(details, message)
  const shared = { revocations, audit, failureLimiter, now }
  return {
    backchannelLogout: backchannelLogout({
      ...shared,
      verification: logoutTokens,
      replays: createReplays(),
      onRefused: warnOfRefusedLogoutTokens({ issuers, now, warn }),
    }),
    globalTokenRevocation: globalTokenRevocation({
      ...shared,
      transmitters,
      issuers,
      replays: createReplays(),
      onRefused: warnOfRefusedGlobalRevocations({ transmitters, now, warn }),
      maxClockSkewMs: config.maxClockSkewMs,
    }),
  } satisfies Partial<Operations>
}

const authCookieOf = ({ authCookie, publicUrl, corsOrigins }: Config) =>
  authCookie && {
    name: authCookie.name,
    origins: publicUrl === undefined ? corsOrigins : [publicUrl, ...corsOrigins],
    expiringLine: expiringLine(authCookie),
  }

/** For machine clients. */
const clientOperations = (
  { config, stores, reloadable, feed, audit, now }: ServiceParts,
  { verification, revocations, clients, check }: Rules,
) =>
  ({
    introspect: introspect({ clients, check }),
    revoke: revoke({ clients, verification, revocations, audit }),
    createRevocation: createRevocation({
      clients,
      verification,
      revocations,
      store: stores.revocations,
      audit,
      issuers: reloadable.issuers,
      now,
    }),
    getRevocation: getRevocation({
      clients,
      store: stores.revocations,
      liveSet: feed.liveSet,
      issuers: reloadable.issuers,
    }),
    listAuditEvents: listAuditEvents({
      clients,
      trail: stores.trail,
      timeoutMs: config.storeTimeoutMs,
    }),
    eraseSubject: eraseSubject({
      clients,
      trail: stores.trail,
      audit,
      timeoutMs: config.storeTimeoutMs,
    }),
  }) satisfies Partial<Operations>

/** For guards, which follow the feed. */
const feedOperations = ({ config, feed, reloadable }: ServiceParts, { clients }: Rules) => {
  const { liveSet, follower, subscribers, readTail } = feed
  const [{ issuers }, timeoutMs] = [reloadable, config.storeTimeoutMs]
  return {
    getSnapshot: getSnapshot({ clients, liveSet, position: follower.position }),
    followEvents: followEvents({ clients, subscribers }),
    getPosition: getPosition({ clients, readTail, issuers, timeoutMs }),
  } satisfies Partial<Operations>
}

/** For every client: health, metrics, the contract and its page. */
const publicOperations = (parts: ServiceParts) => {
  const { config, contract, stores, reloadable, feed, log, now } = parts
  const { hasDocs, throwawaySecret } = config
  const about = { hasDocs, version: version() }
  const health = ready({
    checkHealth: stores.checkHealth,
    timeoutMs: config.storeTimeoutMs,
    keySources: reloadable.keySources,
    now,
    isFollowing: () => feed.follower.position() !== undefined,
    unreadable: feed.follower.unreadable,
    log,
  })
  return {
    live: live(),
    ready: health,
    metrics: metrics({ metrics: parts.metrics, isPublic: config.metrics.isPublic }),
    metadata: metadata({
      publicUrl: config.publicUrl,
      hasTransmitters: () => reloadable.transmitters().length > 0,
    }),
    contractYaml: contractYaml({ yaml: contract.yaml }),
    contractJson: contractJson({ document: contract.document }),
    home: home({
      pages: {
        ready: homePage(about, { isReady: true }),
        notReady: homePage(about, { isReady: false }),
      },
      isReady: async () => (await health()).status === 200,
    }),
    docs: docs({
      page: hasDocs ? referencePage({ hasToken: throwawaySecret !== undefined }) : undefined,
    }),
    docsFile: docsFile({ hasDocs }),
    developmentToken: developmentToken({
      sign: throwawaySecret === undefined ? undefined : () => signWith(throwawaySecret, now()),
    }),
  } satisfies Partial<Operations>
}

const signWith = (secret: SecretKey, nowMs: number) =>
  signDevelopmentToken({ secret, nowMs }, { issuer: throwawayIssuerName })
