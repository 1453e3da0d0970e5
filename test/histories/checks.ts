import { isFresh } from '../../src/feed/follower-context.js'
import { statusInLiveSet } from '../../src/revocation/check.js'
import { isRevokedBy, valueOf } from '../../src/revocation/entry.js'
import { ClockDiffers } from '../../src/revocation/store-errors.js'
import { maxStalenessMs } from './model/follower.js'
import type { Instance } from './model/instance.js'
import { mayBeRefused } from './model/logout.js'
import { ask, checkClock } from './model/link.js'
import { StoreTrouble } from './model/server.js'
import { momentMs } from './model/time.js'
import type { Login } from './model/tokens.js'
import type { World } from './model/world.js'

/** What a checker says of a token: `accepted` as of a moment, `revoked`, or it does not know. */
export type Verdict =
  Readonly<{ says: 'accepted'; asOfMs: number }> | Readonly<{ says: 'revoked' | 'unknown' }>

export type Violation = Readonly<{ what: string; checker: string; login: string }>

const accepted = (asOfMs: number): Verdict => ({ says: 'accepted', asOfMs })
const revoked: Verdict = { says: 'revoked' }
const unknown: Verdict = { says: 'unknown' }

/** As `guard-check.ts` decides. */
function guardSays({ guard }: World, { cached }: Login): Verdict {
  const { context, isRevoked } = guard
  if (isRevoked(cached)) return revoked
  return isFresh(context) && context.provenAt ? accepted(context.provenAt.monotonicMs) : unknown
}

/** As `/verify`: by the live set while that is fresh, else by the store. It changes nothing. */
function instanceSays(world: World, instance: Instance, { token }: Login): Verdict {
  const { context, rules } = instance
  const link = { ...instance.link }
  const freshAsOfMs = () =>
    context.state.mode === 'following' && isFresh(context)
      ? context.provenAt?.monotonicMs
      : undefined
  const inStore = () => {
    const server = ask(world, link)
    checkClock(world, link, server)
    const { keys, issuedAtS, isKnownRevoked } = rules.preconditionsOf(token)
    const held = keys.map((key) => server.data.held.get(key))
    const isRevoked = keys.some((key, index) =>
      isRevokedBy(key, held[index] && valueOf(held[index]), issuedAtS),
    )
    return { isRevoked: isKnownRevoked || isRevoked, asOfMs: momentMs(world.time) }
  }
  try {
    const { isRevoked, asOfMs } = statusInLiveSet(rules, freshAsOfMs, inStore)(token) as {
      isRevoked: boolean
      asOfMs: number
    }
    return isRevoked ? revoked : accepted(asOfMs)
  } catch (error) {
    if (error instanceof StoreTrouble || error instanceof ClockDiffers) return unknown
    throw error
  }
}

type Checker = Readonly<{ name: string; now: () => number; says: (login: Login) => Verdict }>

export const checkersOf = (world: World): Checker[] => [
  {
    name: 'the guard',
    now: world.guard.clock.now,
    says: (login) => guardSays(world, login),
  },
  ...world.instances.map((instance) => ({
    name: `instance ${instance.name}`,
    now: instance.clock.now,
    says: (login: Login) => instanceSays(world, instance, login),
  })),
]

/** A checker that calls a token expired does not ask whether it is revoked. */
const isExpired = ({ now }: Checker, { token }: Login) => (token.expMs ?? Infinity) <= now()

/**
 * Two promises, after every event. A check changes nothing, so every checker checks every token.
 *
 * The first: what a checker calls complete as of a moment has every login that a client was told to
 * have ended before that moment. A checker that is fresh is complete as of `maxStalenessMs` ago at
 * most, so this keeps the bound: accepted beyond it would be accepted as of a moment after the 200.
 * And where it is broken, the bound is broken, too, once enough time has passed without an event.
 *
 * The second: what no logout was asked for is not revoked.
 */
export function violationOf(world: World): Violation | undefined {
  for (const checker of checkersOf(world))
    for (const login of world.logins) {
      if (isExpired(checker, login)) continue
      const verdict = checker.says(login)
      const what =
        verdict.says === 'accepted'
          ? acceptedWrongly(world, login, verdict.asOfMs)
          : verdict.says === 'revoked' && !mayBeRefused(world, login)
            ? 'refused, though no logout was asked for'
            : undefined
      if (what !== undefined) return { what, checker: checker.name, login: login.name }
    }
  return undefined
}

function acceptedWrongly(
  { promised, time }: World,
  login: Login,
  asOfMs: number,
): string | undefined {
  const promise = promised.find((one) => one.login === login)
  if (promise === undefined || asOfMs <= promise.atMs) return undefined
  return momentMs(time) - promise.atMs > maxStalenessMs
    ? 'accepted beyond the bound'
    : 'accepted as of a moment after the 200'
}

/** Whether a token is accepted although its 200 was sent: within the bound that is no violation. */
export const acceptedAfter200 = (world: World): boolean =>
  checkersOf(world).some((checker) =>
    world.promised.some(({ login }) => checker.says(login).says === 'accepted'),
  )

/**
 * Once all faults have ended and everything has had its turn: every checker knows, refuses what a
 * client was told to have ended, and accepts what no logout was asked for. What was answered by 500
 * may be known to one instance and not to another: an instance may have it of a scan that failed, of
 * a primary that was lost with it.
 */
export function divergenceOf(world: World): Violation | undefined {
  for (const login of world.logins)
    for (const checker of checkersOf(world)) {
      if (isExpired(checker, login)) continue
      const { says } = checker.says(login)
      const isPromised = world.promised.some((one) => one.login === login)
      if (says === 'revoked' ? mayBeRefused(world, login) : says === 'accepted' && !isPromised)
        continue
      return { what: `${says} after all faults`, checker: checker.name, login: login.name }
    }
  return undefined
}
