import type { RevocationKey } from '../token/keys.js'
import type { Entry } from './entry.js'

/** What one request writes to the store, in one step. */
export type Commit = Readonly<{
  entries: readonly Entry[]
  /** The event for the audit trail, as JSON; empty: none. */
  auditEvent: string
  /** Keys of session data that is deleted before anything is stored. */
  sessionKeysToDelete: readonly string[]
  preconditions: Preconditions | undefined
  rateLimit: RateLimit | undefined
}>

/** What must hold for the presented token, or the commit stores nothing. */
export type Preconditions = Readonly<{
  /**
   * Keys under which no entry may revoke the token. A missing entry is stored under the first one:
   * the token's own, `t:`, or that of its session for a token that has expired.
   */
  keys: readonly [RevocationKey, ...RevocationKey[]]
  /**
   * What a cutoff is compared with, in epoch seconds; `undefined`: every cutoff revokes the token.
   */
  issuedAtS: number | undefined
  /** Until when an API may accept the token, in epoch milliseconds; `null`: for ever. */
  untilMs: number | null
  /** Whether this instance knows that the token is revoked, whatever the store says. */
  isKnownRevoked: boolean
}>

/**
 * The window in which the request is counted. The first request opens the window; the count is
 * forgotten at its end.
 */
export type RateLimit = Readonly<{ key: string; requests: number; windowMs: number }>

/** The requests counted in the window that is open, and the milliseconds until the window ends. */
export type Counted = Readonly<{ count: number; leftMs: number }>

/**
 * - `stored`: the entries are stored, and so is the audit event if there is one.
 * - `stored_without_audit`: the entries are stored; the trail did not take the audit event.
 * - `already_revoked`: nothing is stored: the preconditions do not hold. The request is not
 *   counted.
 * - `rate_limited`: nothing is stored: the window is full.
 * - `not_executed`: nothing is stored, and the request could not be counted.
 */
export type Outcome =
  'stored' | 'stored_without_audit' | 'already_revoked' | 'rate_limited' | 'not_executed'

export type CommitResult = Readonly<{
  outcome: Outcome
  /** Absent where no request was counted. */
  counted?: Counted | undefined
}>

/** The result of one of several commits, or its error. */
export type CommitReply = CommitResult | Readonly<{ error: Error }>

/** A revocation that is stored, by this commit or by an earlier one. */
export type StoredRevocation =
  | Readonly<{ outcome: 'stored' | 'stored_without_audit'; commit: Commit }>
  | Readonly<{ outcome: 'nothing_to_store' }>

/** A commit of entries; every other part is empty unless it is given. */
export const commitOf = (
  entries: readonly Entry[],
  { auditEvent = '', sessionKeysToDelete = [], preconditions, rateLimit }: Partial<Commit> = {},
): Commit => ({ entries, auditEvent, sessionKeysToDelete, preconditions, rateLimit })

export const isStored = (outcome: Outcome): outcome is 'stored' | 'stored_without_audit' =>
  outcome === 'stored' || outcome === 'stored_without_audit'
