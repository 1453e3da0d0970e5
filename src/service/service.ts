import type { Server } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { createClientAddresses } from '../http/client-addresses.js'
import { createAudit, type Audit } from '../audit/audit.js'
import type { Config } from '../config/config.js'
import { throwawayIssuerName } from '../config/rules.js'
import { readContract } from '../contract.js'
import { homePage, referencePage } from '../http/docs/page.js'
import { clearingHeaders } from '../http/cookies.js'
import { createApp } from '../http/app.js'
import { createServer, drainable, renewTls, serverTimes, type ServerTimes } from '../http/server.js'
import { createAddressLimiter, createSubjectLimiter } from '../access/rate-limits.js'
import { createCheck } from '../revocation/check.js'
import { createClients } from '../access/clients.js'
import { backchannelLogout } from '../operations/backchannel-logout.js'
import { contractJson } from '../operations/contract-json.js'
import { contractYaml } from '../operations/contract-yaml.js'
import { developmentToken } from '../operations/development-token.js'
import { docs } from '../operations/docs.js'
import { docsFile } from '../operations/docs-file.js'
import { home } from '../operations/home.js'
import { metrics as metricsOperation } from '../operations/metrics.js'
import { createRevocation } from '../operations/create-revocation.js'
import { getRevocation } from '../operations/get-revocation.js'
import { introspect } from '../operations/introspect.js'
import { listAuditEvents } from '../operations/list-audit-events.js'
import { live } from '../operations/live.js'
import { logout } from '../operations/logout.js'
import { metadata } from '../operations/metadata.js'
import type { Operations } from '../operations/operation.js'
import { ready } from '../operations/ready.js'
import { revoke } from '../operations/revoke.js'
import { verify } from '../operations/verify.js'
import { createRevocations } from '../revocation/revocations.js'
import type { Position } from '../feed/event.js'
import { createFollower } from '../feed/follower.js'
import { createSubscribers } from '../feed/subscribers.js'
import { createTailReader } from '../feed/tail.js'
import { followEvents } from '../operations/follow-events.js'
import { getPosition } from '../operations/get-position.js'
import { getSnapshot } from '../operations/get-snapshot.js'
import { createLiveSet } from '../revocation/live-set.js'
import { openStores } from '../store/open.js'
import { openIssuers, type OpenIssuers } from '../token/open-issuers.js'
import { signDevelopmentToken } from '../token/development.js'
import { warnOfUnusableClaims } from '../token/unusable-claims.js'
import { createVerification, logoutTokenIssuers, type Verification } from '../token/verification.js'
import type { WriteLine } from '../telemetry/log.js'
import { createMetrics, type Metrics } from '../telemetry/metrics.js'
import { version } from '../telemetry/version.js'

export type Service = {
  server: Server
  audit: Audit
  metrics: Metrics
  /** Comes when the first attempt to reach the store has ended, well or not; before it no request can be served. */
  tried(): Promise<void>
  /**
   * Takes over what the files of a configuration say now: keys of issuers, machine clients, certificate, Redis's user and password.
   * Everything else stays as it was at the start.
   */
  reload(config: Config): void
  /** What this instance knows every revocation up to; nothing while it does not. */
  position(): Position | undefined
  /** Connections that follow the feed. */
  subscribers(): number
  /** Stops listening; requests in flight finish, for `ms` at most. */
  drain(ms: number): Promise<void>
  /** Lets go of the store and the key sources; to be called after `drain`. */
  close(): Promise<void>
}

export type ServiceParts = {
  config: Config
  log: Logger
  writeLine: WriteLine
  now: () => number
  times?: ServerTimes
  /** Changes the operations before they are served. */
  operations?: (operations: Operations) => Operations
}

/** Config to parts to server; nothing listens yet. */
export function createService({
  config,
  log,
  writeLine,
  now,
  times = serverTimes,
  operations: adjust = (same) => same,
}: ServiceParts): Service {
  const { storeTimeoutMs: timeoutMs, maxClockSkewMs, throwawaySecret } = config
  const metrics = createMetrics({ version: version() })
  const stores = openStores({ config, log, now, observe: metrics.store })
  const audit = createAudit({
    trail: stores.trail,
    log,
    writeLine,
    now,
    timeoutMs,
    address: config.audit.address,
    onRevoked: metrics.revoked,
  })
  const { yaml, document } = readContract()
  const { cutoffClaim } = config
  const onUnusableClaim = warnOfUnusableClaims(now, (details, message) =>
    log.warn(details, message),
  )
  const openTrust = ({ issuers: configs, clients, requireExp }: Config, before?: OpenIssuers) => {
    const opened = openIssuers(configs, { requireExp, log, now }, before)
    return {
      opened,
      clients,
      verification: createVerification({
        issuers: opened.issuers,
        now,
        maxClockSkewMs,
        cutoffClaim,
        onUnusableClaim,
      }),
      logoutTokens: createVerification({
        issuers: logoutTokenIssuers(opened.issuers),
        now,
        maxClockSkewMs,
        cutoffClaim: 'iat',
        logoutTokens: true,
        onUnusableClaim,
      }),
    }
  }
  let trust = openTrust(config)
  const verification: Verification = {
    verify: (jwt, waiter) => trust.verification.verify(jwt, waiter),
  }
  const keySources = () => trust.opened.issuers.map(({ keys }) => keys)
  const liveSet = createLiveSet(now)
  const subscribers = createSubscribers({
    feed: stores.feedReader,
    position: () => follower.position(),
    timeoutMs,
  })
  const follower = createFollower({
    feed: stores.feed,
    liveSet,
    restore: async (entries) => void (await stores.revocations.commit(entries)),
    onEvents: subscribers.publish,
    onGap: subscribers.gap,
    log,
    now,
    timeoutMs,
  })
  const known: Parameters<typeof createRevocations>[0]['liveSet'] = {
    find: liveSet.find,
    covers: liveSet.covers,
    add(entry) {
      follower.stored(entry)
      liveSet.add(entry)
    },
  }
  const revocations = createRevocations({
    store: stores.revocations,
    liveSet: known,
    now,
    maxClockSkewMs,
    cutoffClaim,
    awaitsReplicas: config.redisMinReplicas > 0,
  })
  const readTail = createTailReader(stores.feedReader)
  const check = createCheck({ verification, revocations })
  const clients = createClients({
    clients: () => trust.clients,
    audit,
    failureLimiter:
      config.rateLimitAddress && createAddressLimiter(config.rateLimitAddress, metrics.limited),
  })
  const operations: Operations = {
    verify: verify({ check, senderConstrained: config.senderConstrained }),
    introspect: introspect({ clients, check }),
    revoke: revoke({ clients, verification, revocations, audit }),
    metadata: metadata({ publicUrl: config.publicUrl }),
    createRevocation: createRevocation({
      clients,
      verification,
      revocations,
      store: stores.revocations,
      audit,
      issuers: () => trust.opened.issuers,
      now,
    }),
    getSnapshot: getSnapshot({ clients, liveSet, position: follower.position }),
    followEvents: followEvents({ clients, subscribers }),
    getPosition: getPosition({ clients, readTail, timeoutMs }),
    getRevocation: getRevocation({ clients, store: stores.revocations }),
    backchannelLogout: backchannelLogout({
      verification: { verify: (jwt, waiter) => trust.logoutTokens.verify(jwt, waiter) },
      revocations,
      audit,
      now,
    }),
    listAuditEvents: listAuditEvents({ clients, trail: stores.trail, timeoutMs }),
    logout: logout({
      verification,
      revocations,
      audit,
      admit: createSubjectLimiter(config.rateLimitSubject, metrics.limited),
      clearingHeaders: clearingHeaders({
        cookies: config.sessionCookies,
        clearSiteData: config.clearSiteData,
      }),
    }),
    live: live(),
    ready: ready({
      probe: stores.probe,
      timeoutMs,
      keySources,
      now,
      isFollowing: () => follower.position() !== undefined,
      log,
    }),
    contractYaml: contractYaml({ yaml }),
    contractJson: contractJson({ document }),
    home: home({ page: homePage({ hasDocs: config.hasDocs }) }),
    docs: docs({
      page: config.hasDocs ? referencePage({ hasToken: throwawaySecret !== undefined }) : undefined,
    }),
    docsFile: docsFile({ hasDocs: config.hasDocs }),
    developmentToken: developmentToken({
      sign:
        throwawaySecret === undefined
          ? undefined
          : () =>
              signDevelopmentToken(
                { secret: throwawaySecret, nowMs: now() },
                { issuer: throwawayIssuerName },
              ),
    }),
    metrics: metricsOperation({ metrics, isPublic: config.metrics.isPublic }),
  }
  metrics.watch({ liveSet, follower, subscribers, audit, now })
  const app = createApp({
    document,
    operations: adjust(operations),
    addresses: createClientAddresses(config.trustProxy),
    addressLimiter:
      config.rateLimitAddress && createAddressLimiter(config.rateLimitAddress, metrics.limited),
    corsOrigins: config.corsOrigins,
    audit,
    observe: metrics.request,
    log,
    times,
  })
  const respond = app.callback()
  const server = createServer(
    (request, response) => {
      // While draining, a connection ends with the answer that is under way.
      if (!server.listening) response.setHeader('Connection', 'close')
      void respond(request, response)
    },
    config.tls,
    times,
  )
  const drain = drainable(server)
  return {
    server,
    drain(ms) {
      // Requests that wait for a key are unknown now: another instance may have it.
      keySources().forEach((source) => source.close())
      const drained = drain(ms)
      subscribers.close()
      return drained
    },
    audit,
    metrics,
    tried: stores.tried,
    reload(next) {
      // Who follows the feed proved itself when it came.
      if (!isDeepStrictEqual(next.clients, trust.clients)) subscribers.disconnect()
      // A throwaway key is for one run.
      if (throwawaySecret === undefined) trust = openTrust(next, trust.opened)
      if (next.tls !== undefined) renewTls(server, next.tls)
      stores.reload(next)
    },
    position: follower.position,
    subscribers: subscribers.count,
    async close() {
      keySources().forEach((source) => source.close())
      await audit.close()
      await follower.close()
      subscribers.close()
      await stores.close()
    },
  }
}
