import type { ReconnectReason } from '../../telemetry/metrics.js'

/** Why a connection is replaced, and how the log says it. */
export const reconnectReasons = {
  closed: 'the connection was closed',
  failed: 'no connection could be made',
  silent: 'the connection is silent',
  readonly: 'it is a replica now',
  moved: 'another node of the cluster has the revocations now',
  ask: 'the revocations are moving to another node of the cluster',
  tryagain: 'the revocations are moving to another node of the cluster',
  clusterdown: 'the cluster is down',
  failover: 'the sentinels name another primary',
  no_majority: 'no majority of the sentinels names it as the primary',
} as const satisfies Record<ReconnectReason, string>

const words: Readonly<Record<string, ReconnectReason>> = {
  READONLY: 'readonly',
  // A demotion ends a blocking read.
  UNBLOCKED: 'readonly',
  MOVED: 'moved',
  ASK: 'ask',
  TRYAGAIN: 'tryagain',
  CLUSTERDOWN: 'clusterdown',
}

/** The reason in an error of Redis, by its first word; `undefined` for other errors. */
export const reasonOf = (message: string): ReconnectReason | undefined =>
  words[/^[A-Z]+/.exec(message)?.[0] ?? '']
