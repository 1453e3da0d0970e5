import type { RevocationKey } from '../token/keys.js'
import type { Entry } from './entry.js'

/** What is written at once, or not at all. */
export type Commit = Readonly<{
  entries: readonly Entry[]
  /** The event for the audit trail; empty: none. */
  event: string
  /** Keys of session data that go with it. */
  gone: readonly string[]
  terms: Terms | undefined
}>

/** What a token must pass for its commit to happen, which is asked in the same step, in this order. */
export type Terms = Readonly<{
  /** Where the request is counted, if anywhere. */
  window: Window | undefined
  /** The keys of the token: none of them may revoke it. */
  keys: readonly RevocationKey[]
  /** What a cutoff is compared with, in epoch seconds; `undefined`: every cutoff revokes the token. */
  issuedAtS: number | undefined
  /** Whether it is known to be revoked, whatever the store says. */
  isRevoked: boolean
}>

/** A key under which requests are counted: the first one opens a window, whose end forgets it. */
export type Window = Readonly<{ key: string; requests: number; windowMs: number }>

/** How often something was counted in the window that is open, and milliseconds until that closes. */
export type Counted = Readonly<{ count: number; leftMs: number }>

/**
 * What became of a commit. Stored, without its audit event (`unwitnessed`) or with it; or nothing is stored: the token is revoked (and
 * its count taken back), the window has no room for it, or it could not be counted.
 */
export type Committed = Readonly<{
  became: 'stored' | 'stored_without_audit' | 'already_revoked' | 'rate_limited' | 'not_executed'
  counted?: Counted | undefined
}>

/** What became of one commit of several, or what was wrong with it. */
export type CommitReply = Committed | Readonly<{ error: Error }>

export const isStored = (reply: CommitReply): boolean =>
  'became' in reply && (reply.became === 'stored' || reply.became === 'stored_without_audit')
