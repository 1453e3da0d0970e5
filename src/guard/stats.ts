/** What a guard knows of the key set of a `jwksUri`. */
export type KeySetStats = Readonly<{
  issuer: string | undefined
  /** The URL without its query. */
  address: string
  /** Milliseconds since the key set was fetched last; `Infinity`: never. */
  ageMs: number
  /** Number of fetches that failed. */
  failures: number
  /** Why the last fetch failed; `undefined` when it did not. */
  reason: string | undefined
}>

/** How a check ended. `unknown` is a 503, every other word but `active` a 401. */
export type CheckOutcome =
  'active' | 'revoked' | 'token_missing' | 'invalid_token' | 'token_expired' | 'unknown'

export type GuardStats = Readonly<{
  /** Whether the guard knows every revocation that is older than `maxStalenessMs`. */
  fresh: boolean
  /** Milliseconds since the guard last knew every revocation; `Infinity`: never. */
  stalenessMs: number
  position: string | undefined
  /** Number of revocations held, and their memory in bytes. */
  revocations: number
  bytes: number
  /** Number of verified tokens remembered, and of tokens watched. */
  remembered: number
  watched: number
  /** Number of checks so far, by outcome. */
  checks: Readonly<Record<CheckOutcome, number>>
  snapshots: number
  gaps: number
  reconnects: number
  /** One for each issuer with a `jwksUri`. */
  keySets: readonly KeySetStats[]
}>

/** Checks so far, by outcome. All outcomes are 0 from the start, to give `rate` a first value. */
export const noChecks = (): Record<CheckOutcome, number> => ({
  active: 0,
  revoked: 0,
  token_missing: 0,
  invalid_token: 0,
  token_expired: 0,
  unknown: 0,
})
