import { randomBytes } from 'node:crypto'
import { createLiveSet } from '../revocation/live-set.js'
import { openGuard } from './guard.js'
import { readCheckOptions } from './options.js'
import { createTestFollower } from './test-follower.js'
import { createTestIssuer, signTestToken } from './test-issuers.js'
import { createTestRevocations, type TestRevocation } from './test-revocations.js'
import type { CheckOptions, Guard } from './types.js'

export type { TestRevocation } from './test-revocations.js'

/** The options of a guard, without those of the feed. */
export type TestGuardOptions = Partial<CheckOptions>

export type TestGuard = Readonly<{
  /** The guard, with the code that checks in production. It is fresh from the beginning. */
  guard: Guard
  /**
   * Signs a token of the first issuer, or of the one that `iss` names: of the subject `test-user`,
   * with a session and an id of its own, issued now for ten minutes. An issuer with `{claim}` has
   * the first of its `issuerValues`, or `test`, in that place.
   *
   * @param claims added to those, or put in their place; `undefined` leaves one out
   */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>
  /**
   * Revokes as the service does: a token by its session if it names one. `sub` revokes what was
   * issued until now; a login within the next two seconds may be refused, too. While the
   * guard is stale it learns nothing; it learns what was revoked once it is fresh again.
   *
   * @throws TypeError when the guard would not accept the token anyway, and for an unknown issuer
   */
  revoke(revoked: TestRevocation): Promise<void>
  /** Whether the guard has lost the feed, so that it answers what it cannot know with a 503. */
  setStale(isStale: boolean): void
  /** Closes the guard. */
  close(): Promise<void>
}>

/**
 * A guard for the tests of an API: tokens are made and revoked in memory, without a service or a
 * network.
 *
 * @param options with the `issuers` of production no key set is fetched: the test signs with a
 * shared secret that is given, and otherwise with a key pair of its own. Without `issuers` there is
 * one, `https://issuer.test`.
 * @throws TypeError that says everything that is wrong with the options
 */
export function createTestGuard({
  issuers: given = [defaultIssuer()],
  ...options
}: TestGuardOptions = {}): TestGuard {
  const read = readCheckOptions({ ...options, issuers: given })
  const issuers = read.issuers.map(createTestIssuer)
  const settings = { ...read, issuers: issuers.map(({ config }) => config) }
  const { clock } = settings
  const liveSet = createLiveSet(clock.now)
  const { follow, add, setStale } = createTestFollower(liveSet)
  const guard = openGuard(settings, { liveSet, follow })
  // A test that makes its guard stale needs no line about it on the console.
  guard.on('stale', () => undefined)
  const entryOf = createTestRevocations(settings)
  return {
    guard,
    token: (claims = {}) => signTestToken(issuers, claims, clock.now()),
    revoke: async (revoked) => add(await entryOf(revoked)),
    setStale,
    close: guard.close,
  }
}

const defaultIssuer = () => ({
  issuer: 'https://issuer.test',
  secret: randomBytes(32).toString('base64url'),
})
