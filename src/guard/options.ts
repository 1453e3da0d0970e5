import type { Clock } from '../runtime/clock.js'
import { senderConstrainedRules, type SenderConstrained } from '../token/confirmation.js'
import { parseGuardEntries } from '../token/issuer-entries.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import {
  createFaults,
  number,
  oneOf,
  optional,
  readObject,
  wholeNumber,
  type Faults,
  type Option,
} from '../token/options.js'
import { credentialNames, readCredentials, type Credentials } from './credentials.js'
import { refuseUnknown, type OnUnknown } from './fallback.js'
import type { GuardOptions } from './types.js'

/** The options of a guard, checked and with their defaults. */
export type GuardSettings = Readonly<{
  issuers: readonly IssuerConfig[]
  feed: Credentials
  maxStalenessMs: number
  onUnknown: OnUnknown
  requireExp: boolean
  cutoffClaim: 'iat' | 'auth_time'
  maxClockSkewS: number
  senderConstrained: SenderConstrained
  maxRemembered: number
  clock: Clock
}>

// A record, so that an option that is added to the type has to be added here.
const optionNames: Record<keyof GuardOptions, true> = {
  issuers: true,
  feed: true,
  maxStalenessMs: true,
  onUnknown: true,
  requireExp: true,
  cutoffClaim: true,
  maxClockSkewS: true,
  senderConstrained: true,
  maxRemembered: true,
  clock: true,
}

const systemClock: Clock = { now: Date.now, monotonicMs: () => performance.now() }

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
export function readGuardOptions(options: unknown): GuardSettings {
  const faults = createFaults()
  const given = readObject(options, Object.keys(optionNames), faults.of('options'))
  if (given === undefined) throw new TypeError(faults.lines().join('\n'))
  const read = <T>(name: keyof GuardOptions, option: Pick<Option<T>, 'check'>, fallback: T): T =>
    optional(option, given[name], faults.of(name)) ?? fallback
  const settings: GuardSettings = {
    issuers: parseGuardEntries(given['issuers'], faults.of('issuers')),
    feed: readFeed(given['feed'], faults),
    maxStalenessMs: read('maxStalenessMs', number(100, 3_600_000), 5_000),
    onUnknown: read('onUnknown', onUnknownOption, refuseUnknown),
    requireExp: read('requireExp', oneOf([true, false]), false),
    cutoffClaim: read('cutoffClaim', oneOf(['iat', 'auth_time']), 'iat'),
    maxClockSkewS: read('maxClockSkewS', wholeNumber(0, 3_600), 60),
    senderConstrained: read('senderConstrained', oneOf(senderConstrainedRules), 'refuse'),
    maxRemembered: read('maxRemembered', number(2, 10_000_000), 32_768),
    clock: read('clock', clockOption, systemClock),
  }
  if (faults.lines().length > 0) throw new TypeError(faults.lines().join('\n'))
  return settings
}

function readFeed(value: unknown, faults: Faults): Credentials {
  const given = readObject(value, credentialNames, faults.of('feed'))
  if (given === undefined) return { url: '', clientId: '', clientSecret: '' }
  return readCredentials(given, (name, what) => faults.report(`feed.${name}`, what))
}
