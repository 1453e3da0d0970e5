import type { components } from '../../generated/openapi.js'
import type { StoredEvent } from '../audit/event.js'
import { isRevokedBy } from '../revocation/entry.js'
import { parseCanonical, tokenLength, type CompactJwt } from '../token/canonical-encoding.js'
import { issuedAtOf, nameClaims, standardMapping } from '../token/claim-mapping.js'
import { parseSegment } from '../token/claims.js'
import { claimText, tokenKeys, type KeyKind, type RevocationKey } from '../token/keys.js'
import { pageReader, readNewest } from './audit-pages.js'
import { clientOption, serviceOption, type CliCommand } from './command.js'
import { plain, requesterText } from './event-text.js'
import { readToken, type Io } from './io.js'
import { serviceRequests, type Send, type ServiceOptions } from './service-request.js'
import { timeText } from './times.js'

export const whyCommand: CliCommand = {
  name: 'why',
  help: 'say which revocation refuses the token on standard input: when, by whom, why, until when',
  options: [serviceOption, clientOption],
  run: why,
}

type State = components['schemas']['RevocationState'] & { key: RevocationKey }
type Claims = Readonly<Record<string, unknown>>
type Token = Readonly<{ jwt: CompactJwt; claims: Claims }>

/** What a key names. */
const named: Record<KeyKind, string> = {
  t: 'this token',
  s: 'its session',
  u: 'its subject',
  j: 'its token id',
  n: 'its subject, for tokens without a session',
}

/**
 * Computes the keys of the token here, and asks the service for these alone: the token is not sent.
 * Neither its signature nor its claims are checked.
 */
async function why(io: Io, options: ServiceOptions): Promise<number> {
  const token = readClaims(await readToken(io))
  if (token === undefined) {
    io.stdout.write('not active: malformed, so that it has no keys\n')
    return 1
  }
  const states = await statesOf(token, serviceRequests(io, options, 'introspect'))
  const refusing = states.filter((state) => refuses(state, token.claims))
  for (const state of refusing) print(io, await explain(io, options, state, token.claims))
  if (refusing.length > 0) return 1
  const expired = expiryOf(token.claims)
  print(io, explainNone(states, token.claims, expired))
  return expired === undefined ? 0 : 1
}

/** @returns nothing for a text that is no token */
function readClaims(text: string): Token | undefined {
  try {
    const jwt = parseCanonical(text, tokenLength.most)
    return { jwt, claims: parseSegment(jwt.payload) }
  } catch {
    return undefined
  }
}

/** The service knows which claims of the issuer the other keys are made of. */
async function statesOf({ jwt, claims }: Token, send: Send): Promise<State[]> {
  const query = { iss: claimText(claims['iss']) ?? '' }
  const ask = async (key: RevocationKey) => {
    const path = `/api/v1/revocations/${key}`
    return (await send<State>({ path, query, expected: 'revoked' })).body
  }
  const { t } = tokenKeys(jwt, {})
  const first = await ask(t)
  const { session, subject } = first.claims ?? {}
  const named = nameClaims(claims, {
    ...standardMapping,
    ...(session && { sessionClaim: session }),
    ...(subject !== undefined && { subjectClaim: subject }),
  })
  const others = Object.values(tokenKeys(jwt, named)).filter((key) => key !== t)
  return [first, ...(await Promise.all(others.map(ask)))]
}

const refuses = ({ key, revoked, cutoff, cutoffClaim }: State, claims: Claims): boolean =>
  revoked && isRevokedBy(key, cutoff ?? 1, issuedAtOf(claims, cutoffClaim ?? 'iat'))

/** The first line stands alone, the others below it. */
type Lines = readonly string[]

const print = ({ stdout }: Io, lines: Lines) =>
  void stdout.write(lines.map((line) => `${plain(line)}\n`).join(''))

async function explain(
  io: Io,
  options: ServiceOptions,
  state: State,
  claims: Claims,
): Promise<Lines> {
  const { key, cutoff, keptUntil } = state
  const events = eventsOf(io, { ...options, key }, earliestMs(state, claims))
  return [
    `revoked: ${nameOf(key)}`,
    ...(await events.then(eventLines, ({ message }: Error) => [`  who    unknown: ${message}`])),
    ...(cutoff === undefined ? [] : [`  which  all issued until ${timeText(cutoff * 1000)}`]),
    `  until  ${keptUntil == null ? 'for ever' : timeText(keptUntil)}`,
  ]
}

/** Clocks of the issuer and the service may differ by this much. */
const clockSkewMs = 60_000

/** The earliest time of an event that may have revoked the token: its cutoff was not earlier. */
function earliestMs({ cutoff, cutoffClaim = 'iat' }: State, claims: Claims): number {
  const issuedAtS = cutoff === undefined ? undefined : issuedAtOf(claims, cutoffClaim)
  return issuedAtS === undefined ? -Infinity : issuedAtS * 1000 - clockSkewMs
}

/** The events that have revoked a key, oldest first. */
async function eventsOf(
  io: Io,
  options: ServiceOptions & { key: string },
  sinceMs: number,
): Promise<readonly StoredEvent[]> {
  const stop = new AbortController()
  void io.stopped.then(() => stop.abort())
  const readPage = pageReader(io, { ...options, event: 'authn_token_revoked' })
  const { events } = await readNewest(readPage, stop.signal, { most: Infinity })
  return events.filter(({ time }) => Date.parse(time) >= sinceMs)
}

function eventLines([first, ...more]: readonly StoredEvent[]): Lines {
  if (first === undefined)
    return ['  who    unknown: the audit trail has no event of it, which was trimmed or erased']
  return [
    `  when   ${timeText(first.time)}`,
    `  who    ${requesterText(first)}`,
    `  why    ${first.reason}`,
    ...(more.length === 0 ? [] : [`  again  ${more.length} times: see cierre audit --key`]),
  ]
}

function explainNone(states: readonly State[], claims: Claims, expired: string | undefined): Lines {
  const others = states.map(({ key, cutoff, cutoffClaim = 'iat' }) => {
    const issuedAtS = issuedAtOf(claims, cutoffClaim)
    const isLater = cutoff !== undefined && issuedAtS !== undefined
    return `  ${nameOf(key)}${isLater ? `: only what was issued until ${timeText(cutoff * 1000)} is revoked` : ''}`
  })
  const head = 'no revocation refuses this token'
  return [
    expired === undefined ? head : `${head}, but it has expired: ${expired}`,
    ...others,
    'whether it is genuine and acceptable was not looked at: cierre check',
  ]
}

/** When the token expired; nothing when it has not. */
function expiryOf({ exp }: Claims): string | undefined {
  const ms = typeof exp === 'number' ? exp * 1000 : Infinity
  return ms <= Date.now() ? timeText(ms) : undefined
}

const nameOf = (key: string) => `${key} (${named[key.charAt(0) as KeyKind]})`
