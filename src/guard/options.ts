import type { Clock } from '../runtime/clock.js'
import { cutoffClaims } from '../token/claim-mapping.js'
import { tokenLength } from '../token/canonical-encoding.js'
import { senderConstrainedRules, type SenderConstrained } from '../token/confirmation.js'
import { parseGuardEntries } from '../token/issuer-entries.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import {
  number,
  oneOf,
  optional,
  readObject,
  readOrThrow,
  wholeNumber,
  type Faults,
  type Option,
} from '../token/options.js'
import { credentialNames, readCredentials, type Credentials } from './credentials.js'
import { refuseUnknown, type OnUnknown } from './fallback.js'
import type { CheckOptions, GuardOptions } from './types.js'

/** Settings of the check itself, with their defaults. */
export type CheckSettings = Readonly<{
  issuers: readonly IssuerConfig[]
  onUnknown: OnUnknown
  requireExp: boolean
  maxClockSkewS: number
  maxTokenLength: number
  senderConstrained: SenderConstrained
  maxRemembered: number
  clock: Clock
}>

/** The options of a guard, checked and with their defaults. */
export type GuardSettings = CheckSettings & Readonly<{ feed: Credentials; maxStalenessMs: number }>

export const defaultMaxRemembered = 32_768

// Records, so that an option that is added to a type has to be added here.
const checkOptionNames: Record<keyof CheckOptions, true> = {
  issuers: true,
  onUnknown: true,
  requireExp: true,
  cutoffClaim: true,
  maxClockSkewS: true,
  maxTokenLength: true,
  senderConstrained: true,
  maxRemembered: true,
  clock: true,
}
const guardOptionNames: Record<keyof GuardOptions, true> = {
  ...checkOptionNames,
  feed: true,
  maxStalenessMs: true,
}

const named = (members: object) => ({ name: 'options', members: Object.keys(members) })

export const systemClock: Clock = { now: Date.now, monotonicMs: () => performance.now() }

const onUnknownOption: Pick<Option<OnUnknown>, 'check'> = {
  check(value, report) {
    if (typeof value === 'function') return value as OnUnknown
    report('must be a function, such as askIntrospection gives')
    return undefined
  },
}

const clockOption: Pick<Option<Clock>, 'check'> = {
  check(value, report) {
    const { now, monotonicMs } = (value ?? {}) as Record<string, unknown>
    if (typeof now === 'function' && typeof monotonicMs === 'function') return value as Clock
    report('must be an object with the functions now and monotonicMs')
    return undefined
  },
}

/**
 * Reads the options of a guard. An option that may be left out may also be `undefined`.
 *
 * @throws TypeError with every fault, one line each; it quotes no value of an option
 */
export const readGuardOptions = (options: unknown): GuardSettings =>
  readOrThrow(options, named(guardOptionNames), (given, faults) => ({
    ...readCheckSettings(given, faults),
    feed: readFeed(given['feed'], faults),
    maxStalenessMs:
      optional(number(100, 3_600_000), given['maxStalenessMs'], faults.of('maxStalenessMs')) ??
      5_000,
  }))

/** As `readGuardOptions`, for a guard that brings its revocations itself. */
export const readCheckOptions = (options: unknown): CheckSettings =>
  readOrThrow(options, named(checkOptionNames), readCheckSettings)

function readCheckSettings(given: Readonly<Record<string, unknown>>, faults: Faults) {
  const read = <T>(name: keyof CheckOptions, option: Pick<Option<T>, 'check'>, fallback: T): T =>
    optional(option, given[name], faults.of(name)) ?? fallback
  const cutoffClaim = read('cutoffClaim', oneOf(cutoffClaims), 'iat')
  return {
    issuers: parseGuardEntries(given['issuers'], cutoffClaim, faults.of('issuers')),
    onUnknown: read('onUnknown', onUnknownOption, refuseUnknown),
    requireExp: read('requireExp', oneOf([true, false]), false),
    maxClockSkewS: read('maxClockSkewS', wholeNumber(0, 3_600), 60),
    maxTokenLength: read(
      'maxTokenLength',
      wholeNumber(tokenLength.least, tokenLength.most),
      tokenLength.default,
    ),
    senderConstrained: read('senderConstrained', oneOf(senderConstrainedRules), 'refuse'),
    maxRemembered: read('maxRemembered', number(2, 10_000_000), defaultMaxRemembered),
    clock: read('clock', clockOption, systemClock),
  } satisfies CheckSettings
}

function readFeed(value: unknown, faults: Faults): Credentials {
  const given = readObject(value, credentialNames, faults.of('feed'))
  if (given === undefined) return { url: '', client: { clientId: '', clientSecret: '' } }
  return readCredentials(given, (name, what) => faults.report(`feed.${name}`, what))
}
