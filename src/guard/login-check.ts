import { isRevokedBy } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { issuedAtOf } from '../token/claim-mapping.js'
import { findIssuer, type IssuerName } from '../token/issuer-name.js'
import { claimKey, claimText, type RevocationKey } from '../token/keys.js'
import { optional, readOrThrow, type Faults, type Option } from '../token/options.js'
import { GuardError } from './error.js'
import type { CheckSettings } from './options.js'
import type { Guard, Login } from './types.js'

type Parts = Readonly<{
  settings: Pick<CheckSettings, 'issuers' | 'maxClockSkewS' | 'clock'>
  liveSet: Pick<LiveSet, 'find'>
  isFresh: () => boolean
}>

// A record, so that a member that is added to the type has to be added here.
const loginMembers: Record<keyof Login, true> = {
  iss: true,
  sub: true,
  sid: true,
  iat: true,
  authTime: true,
}

/** Checks whether a login has ended, by the same rules as a token with its claims. */
export function createLoginCheck({ settings, liveSet, isFresh }: Parts): Guard['isRevoked'] {
  const { issuers, maxClockSkewS, clock } = settings
  const read = (login: unknown) => {
    const time = timeUntil(clock.now() / 1000 + maxClockSkewS)
    return readOrThrow(
      login,
      { name: 'login', members: Object.keys(loginMembers), prefix: 'isRevoked: ' },
      (given, faults) => {
        const names = readNames(given, issuers, faults)
        const iat = optional(time, given['iat'], faults.of('iat'))
        const auth_time = optional(time, given['authTime'], faults.of('authTime'))
        const { cutoffClaim = 'iat' } = findIssuer(issuers, given['iss']) ?? {}
        const issuedAtS = issuedAtOf({ iat, auth_time }, cutoffClaim)
        return { keys: Object.values(names), issuedAtS }
      },
    )
  }
  return async (login) => {
    const { keys, issuedAtS } = read(login)
    const isEnded = keys.some(
      (key) => key !== undefined && isRevokedBy(key, liveSet.find(key), issuedAtS),
    )
    if (!isEnded && !isFresh()) throw new GuardError('unknown')
    return isEnded
  }
}

/**
 * The keys of a session (`s`), of a subject (`u`) and, without a session, of the subject's tokens
 * that name none (`n`).
 */
export function readNames(
  given: Readonly<Record<string, unknown>>,
  issuers: readonly IssuerName[],
  faults: Faults,
): Readonly<Record<'s' | 'u' | 'n', RevocationKey | undefined>> {
  const iss =
    given['iss'] === null ? undefined : optional(issuerName, given['iss'], faults.of('iss'))
  const isUnchecked = issuers.some(({ issuer }) => issuer === undefined)
  // Without the `iss` that the tokens have, the keys would be others, and never revoked.
  if (isUnchecked && given['iss'] === undefined)
    faults.report('iss', 'is needed: that of the tokens, or null where they have none')
  // A check of a token refuses an issuer that it does not know, and so never calls it not revoked.
  if (findIssuer(issuers, given['iss']) === undefined)
    faults.report('iss', 'must be an issuer of this guard')
  const sub = optional(claim, given['sub'], faults.of('sub'))
  const sid = optional(claim, given['sid'], faults.of('sid'))
  if (given['sub'] === undefined && given['sid'] === undefined)
    faults.report('sub', 'or sid is needed')
  const n = sid === undefined ? claimKey('n', iss, sub) : undefined
  return { s: claimKey('s', iss, sid), u: claimKey('u', iss, sub), n }
}

const claimOf = (types: readonly string[], rule: string): Pick<Option<string>, 'check'> => ({
  check(value, report) {
    const text = types.includes(typeof value) ? claimText(value) : undefined
    if (text === undefined) report(rule)
    return text
  },
})
const issuerName = claimOf(['string'], 'must be a string that is not empty')
const claim = claimOf(['string', 'number'], 'must be a string that is not empty, or a whole number')

/** A time that lies further ahead is no time in seconds: milliseconds would outlive any cutoff. */
const timeUntil = (latestS: number): Pick<Option<number>, 'check'> => ({
  check(value, report) {
    if (typeof value === 'number' && value <= latestS) return value
    report('must be seconds since 1970, and not lie ahead')
    return undefined
  },
})
