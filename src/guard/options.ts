import type { Clock } from '../runtime/clock.js'
import { readGuardEntries, type IssuerConfig } from '../token/issuer-options.js'
import { createReader } from '../token/option-reader.js'
import type { GuardOptions } from './types.js'
import { senderConstrainedRules, type SenderConstrained } from '../token/confirmation.js'
import {
  credentialNames,
  readCredentials,
  readOptionsObject,
  type Credentials,
  type Fault,
} from './credentials.js'
import { refuseUnknown, type OnUnknown } from './fallback.js'

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

/**
 * Reads the options of a guard. One that may be left out may also be undefined.
 *
 * @throws TypeError that says everything that is wrong, one line each; no value of an option is quoted
 */
export function readGuardOptions(options: unknown): GuardSettings {
  const reader = createReader({})
  const { fault } = reader
  const given = readOptionsObject(fault, 'options', options, Object.keys(optionNames))
  if (given === undefined) throw new TypeError(reader.faults.join('\n'))
  const settings: GuardSettings = {
    issuers: readGuardEntries(reader, 'issuers', given['issuers']),
    feed: readFeed(fault, given['feed']),
    maxStalenessMs: readNumber(fault, given, 'maxStalenessMs', {
      fallback: 5_000,
      least: 100,
      most: 3_600_000,
    }),
    onUnknown: readOnUnknown(fault, given['onUnknown']),
    requireExp: readOneOf(fault, given, 'requireExp', [false, true]),
    cutoffClaim: readOneOf(fault, given, 'cutoffClaim', ['iat', 'auth_time']),
    maxClockSkewS: readNumber(fault, given, 'maxClockSkewS', {
      fallback: 60,
      least: 0,
      most: 3_600,
      isWhole: true,
    }),
    senderConstrained: readOneOf(fault, given, 'senderConstrained', senderConstrainedRules),
    maxRemembered: readNumber(fault, given, 'maxRemembered', {
      fallback: 32_768,
      least: 2,
      most: 10_000_000,
    }),
    clock: readClock(fault, given['clock']),
  }
  if (reader.faults.length > 0) throw new TypeError(reader.faults.join('\n'))
  return settings
}

function readFeed(fault: Fault, value: unknown): Credentials {
  const given = readOptionsObject(fault, 'feed', value, credentialNames)
  return given === undefined
    ? { url: '', clientId: '', clientSecret: '' }
    : readCredentials(fault, 'feed.', given)
}

type Range = Readonly<{ fallback: number; least: number; most: number; isWhole?: boolean }>

function readNumber(
  fault: Fault,
  given: Readonly<Record<string, unknown>>,
  name: string,
  { fallback, least, most, isWhole = false }: Range,
): number {
  const value = given[name] === undefined ? fallback : given[name]
  if (
    typeof value === 'number' &&
    value >= least &&
    value <= most &&
    (!isWhole || Number.isInteger(value))
  )
    return value
  fault(name, `must be a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`)
  return fallback
}

/** One of these values, the first of which is the default. */
function readOneOf<T extends string | boolean>(
  fault: Fault,
  given: Readonly<Record<string, unknown>>,
  name: string,
  allowed: readonly [T, ...T[]],
): T {
  const [fallback] = allowed
  if (given[name] === undefined) return fallback
  const value = allowed.find((one) => one === given[name])
  if (value === undefined) fault(name, `must be one of ${allowed.join(', ')}`)
  return value ?? fallback
}

function readOnUnknown(fault: Fault, value: unknown): OnUnknown {
  if (value === undefined) return refuseUnknown
  if (typeof value !== 'function')
    fault('onUnknown', 'must be a function, such as askIntrospection gives')
  return value as OnUnknown
}

function readClock(fault: Fault, value: unknown): Clock {
  if (value === undefined) return systemClock
  const { now, monotonicMs } = (value ?? {}) as Record<string, unknown>
  if (typeof now !== 'function' || typeof monotonicMs !== 'function')
    fault('clock', 'must be an object with the functions now and monotonicMs')
  return value as Clock
}
