import type { CutoffClaim } from './claim-mapping.js'
import { keyMembers } from './issuer-key-options.js'
import { faultOfNames } from './issuer-name.js'
import {
  keyMembersOf,
  parseIssuer,
  serviceMembers,
  verificationMembers,
  type IssuerConfig,
  type IssuerDefaults,
} from './issuer-options.js'
import { readObject, type Report } from './options.js'

type Entry = Readonly<Record<string, unknown>>

/** What the service and a guard do differently with an entry. */
type EntryRules = Readonly<{
  defaults: IssuerDefaults
  /** Reports what is wrong with an entry as a whole, and answers the members to parse. */
  prepare: (entry: Entry, report: Report) => Entry
}>

/** Parses the entries of `JWT_ISSUERS`. */
export const parseServiceEntries = (
  entries: readonly unknown[],
  defaults: IssuerDefaults,
  report: Report,
): IssuerConfig[] =>
  parseEntries(entries, report, {
    defaults,
    prepare(entry, report) {
      if (entry['issuer'] === undefined) report('is missing', '.issuer')
      return entry
    },
  })

/**
 * Parses the entries of a service inside an app. A single entry may leave its issuer out, as the
 * service may do without `JWT_ISSUER`: `iss` is then unchecked.
 */
export const parseAppEntries = (
  entries: readonly unknown[],
  defaults: IssuerDefaults,
  report: Report,
): IssuerConfig[] =>
  parseEntries(entries, report, {
    defaults,
    prepare(entry, report) {
      reportUnnamed(entry, entries, report)
      reportUnsetKeys(entry, report)
      return entry
    },
  })

function reportUnnamed(entry: Entry, { length }: readonly unknown[], report: Report): void {
  if (entry['issuer'] === undefined && length > 1)
    report('is missing, which only a single entry may leave out', '.issuer')
}

// A guard deletes no session data and takes no logout tokens.
export const guardDefaults = { sessionKeys: [], sessionMaxLifetimeS: 1 }

/**
 * Parses the entries of a guard, which hold what verification needs and nothing else. A single
 * entry may leave its issuer out, as the service may do without `JWT_ISSUER`: `iss` is then
 * unchecked.
 */
export function parseGuardEntries(
  entries: unknown,
  cutoffClaim: CutoffClaim,
  report: Report,
): IssuerConfig[] {
  if (!Array.isArray(entries) || entries.length === 0) {
    report('must be an array of entries that is not empty')
    return []
  }
  return parseEntries(entries, report, {
    defaults: { ...guardDefaults, cutoffClaim },
    prepare(entry, report) {
      reportUnnamed(entry, entries, report)
      reportUnsetKeys(entry, report)
      return withoutServiceMembers(entry, report)
    },
  })
}

/** A key that is `undefined` comes from an environment variable that is not set. */
function reportUnsetKeys(entry: Entry, report: Report): void {
  if (keyMembersOf(entry).length > 0) return
  for (const member of keyMembers) if (member in entry) report('is undefined', `.${member}`)
}

function withoutServiceMembers(entry: Entry, report: Report): Entry {
  const given = serviceMembers.filter((member) => entry[member] !== undefined)
  if (given.length > 0)
    report(`has ${given.join(', ')}: settings of the service, which a guard has no use for`)
  return Object.fromEntries(verificationMembers.map((member) => [member, entry[member]]))
}

function parseEntries(
  entries: readonly unknown[],
  report: Report,
  rules: EntryRules,
): IssuerConfig[] {
  const issuers = entries.flatMap(
    (entry, index) =>
      parseEntry(entry, (what, member = '') => report(what, `[${index}]${member}`), rules) ?? [],
  )
  const fault = faultOfNames(issuers)
  if (fault !== undefined) report(fault)
  return issuers
}

function parseEntry(
  value: unknown,
  report: Report,
  { defaults, prepare }: EntryRules,
): IssuerConfig | undefined {
  const given = readObject(value, [...verificationMembers, ...serviceMembers], report)
  if (given === undefined) return undefined
  const entry = prepare(given, report)
  if (keyMembersOf(entry).length === 0) report(`needs one of ${keyMembers.join(', ')}`)
  return parseIssuer(entry, defaults, (member, what) => report(what, `.${member}`))
}
