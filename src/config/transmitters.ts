import {
  globalRevocationPath,
  transmitterSignals,
  type TransmitterConfig,
} from '../signals/transmitters.js'
import { checkAlgorithms, isGiven, parseKeys } from '../token/issuer-key-options.js'
import { findIssuer, parseIssuerName, type IssuerName } from '../token/issuer-name.js'
import {
  eachParsedBy,
  oneOf,
  optional,
  readObject,
  someOf,
  text,
  texts,
  type Option,
  type Report,
} from '../token/options.js'
import { jsonArray } from './parsers.js'

/** An entry of `TRANSMITTERS`. What it leaves out comes from other variables. */
export type TransmitterEntry = Omit<TransmitterConfig, 'audience' | 'tokenIssuers'> &
  Readonly<{
    audience: readonly string[] | undefined
    tokenIssuers: readonly IssuerName[] | undefined
  }>

const keyMembers = ['publicKey', 'jwksUri', 'discovery'] as const
const members = ['issuer', 'audience', ...keyMembers, 'allow', 'tokenIssuers']

/** The transmitters of `TRANSMITTERS`. */
export const transmitterList: Option<TransmitterEntry[]> = {
  fromText: jsonArray.fromText,
  check(value, report) {
    const entries = jsonArray.check(value, report)
    if (entries === undefined) return undefined
    const transmitters = entries.flatMap(
      (entry, index) =>
        parseEntry(entry, (what, member = '') => report(what, `[${index}]${member}`)) ?? [],
    )
    if (new Set(transmitters.map(({ issuer }) => issuer)).size < transmitters.length)
      report('names a transmitter twice')
    return transmitters
  },
}

function parseEntry(value: unknown, report: Report): TransmitterEntry | undefined {
  const given = readObject(value, members, report)
  if (given === undefined) return undefined
  const read = <T>(member: string, option: Option<T>): T | undefined =>
    optional(option, given[member], (what) => report(what, `.${member}`))
  const issuer = read('issuer', text)
  const allow = read('allow', someOf(transmitterSignals))
  if (given['issuer'] === undefined) report('is needed', '.issuer')
  if (given['allow'] === undefined || allow?.length === 0)
    report(`must have one of ${transmitterSignals.join(', ')} at least`, '.allow')
  const audience = read('audience', texts)
  const tokenIssuers = read('tokenIssuers', eachParsedBy(parseIssuerName))
  const signer = parseSigner(given, report)
  if (issuer === undefined || allow === undefined || signer === undefined) return undefined
  return { issuer, audience, ...signer, allow, tokenIssuers }
}

/** The public keys of an entry. A shared secret would let its holder sign as the transmitter. */
function parseSigner(
  given: Readonly<Record<string, unknown>>,
  report: Report,
): Pick<TransmitterConfig, 'keys' | 'algorithms'> | undefined {
  const { issuer, publicKey, jwksUri, discovery } = given
  optional(oneOf([true, false]), discovery, (what) => report(what, '.discovery'))
  if (keyMembers.filter((member) => isGiven(given, member)).length !== 1) {
    report(`must have one of ${keyMembers.join(', ')}`)
    return undefined
  }
  const keys = parseKeys({ issuer, publicKey, jwksUri, discovery }, (member, what) =>
    report(what, `.${member}`),
  )
  return keys && { keys, algorithms: checkAlgorithms([], keys, report) }
}

/** Whose tokens the transmitters may end, and where the service is. */
type Surroundings = Readonly<{ issuers: readonly IssuerName[]; publicUrl: string | undefined }>

/** Fills in what entries leave out, and reports token issuers that are not configured. */
export const completeTransmitters = (
  entries: readonly TransmitterEntry[],
  { issuers, publicUrl }: Surroundings,
  report: Report,
): TransmitterConfig[] =>
  entries.map((entry, index) => {
    const { issuer, audience, tokenIssuers = [{ issuer }] } = entry
    const at = (member: string) => `[${index}].${member}`
    if (audience === undefined && publicUrl === undefined)
      report(
        `is needed without PUBLIC_URL, whose ${globalRevocationPath} is the default`,
        at('audience'),
      )
    const unknown = tokenIssuers.filter((one) => !isConfigured(one, issuers))
    if (unknown.length > 0)
      report(
        `has ${unknown.map((one) => one.issuer).join(', ')}, which is no issuer of tokens here`,
        at('tokenIssuers'),
      )
    return {
      ...entry,
      audience: audience ?? [`${publicUrl ?? ''}${globalRevocationPath}`],
      tokenIssuers,
    }
  })

/** Whether an issuer is configured, by its exact name or by a template that matches it. */
const isConfigured = ({ issuer, template }: IssuerName, issuers: readonly IssuerName[]): boolean =>
  issuers.some((one) => one.issuer === issuer) ||
  (template === undefined && findIssuer(issuers, issuer) !== undefined)
