import { ServiceError } from '../errors.js'
import type { Entry } from '../revocation/entry.js'
import { createTokenEntries } from '../revocation/token-entries.js'
import { openIssuers } from '../token/open-issuers.js'
import { optional, readOrThrow, text } from '../token/options.js'
import { createVerification } from '../token/verification.js'
import { readNames } from './login-check.js'
import type { CheckSettings } from './options.js'

/** A token, every token of a subject that was issued until now, or every token of a session. */
export type TestRevocation =
  | Readonly<{ token: string }>
  | Readonly<{ iss?: string | null | undefined; sub: string | number }>
  | Readonly<{ iss?: string | null | undefined; sid: string | number }>

const revocation = {
  name: 'revocation',
  members: ['token', 'iss', 'sub', 'sid'],
  prefix: 'revoke: ',
}

/**
 * Makes entries by the rules of the service, except that they never expire.
 *
 * @throws TypeError that says everything that is wrong with a revocation
 */
export function createTestRevocations({ issuers, ...settings }: CheckSettings) {
  const { now } = settings.clock
  const rules = {
    now,
    maxClockSkewMs: settings.maxClockSkewS * 1000,
  }
  const open = openIssuers(issuers, { requireExp: settings.requireExp, log: noLog, now })
  const verification = createVerification({
    ...rules,
    maxTokenLength: settings.maxTokenLength,
    issuers: open.issuers,
  })
  const entries = createTokenEntries({ ...rules, find: () => undefined })
  return async (revoked: TestRevocation): Promise<Entry> => {
    const { jwt, s, u } = read(revoked, issuers)
    const untilMs = null
    if (s !== undefined) return { key: s, untilMs }
    if (u !== undefined) return { key: u, untilMs, cutoff: entries.cutoffNow() }
    const token = await verification.verify(jwt ?? '').catch(refuseToken)
    return { ...entries.entryOf(token), untilMs }
  }
}

/** No key set is fetched, so there is nothing to log. */
const noLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

const read = (revoked: unknown, issuers: CheckSettings['issuers']) =>
  readOrThrow(revoked, revocation, (given, faults) => {
    const { token, ...names } = given
    if (token !== undefined) {
      const others = Object.keys(names).filter((name) => names[name] !== undefined)
      if (others.length > 0) faults.report('token', `goes without ${others.join(', ')}`)
      const jwt = optional(text, token, faults.of('token'))
      return { jwt, s: undefined, u: undefined }
    }
    if (names['sub'] !== undefined && names['sid'] !== undefined)
      faults.report('sub', 'goes without sid')
    return { jwt: undefined, ...readNames(names, issuers, faults) }
  })

function refuseToken(error: unknown): never {
  if (!(error instanceof ServiceError)) throw error
  throw new TypeError(`revoke: token is not one that this guard accepts: ${error.reason}`, {
    cause: error,
  })
}
