import type { components } from '../../generated/openapi.js'
import { mayAskAbout, type Clients } from '../access/clients.js'
import type { Audit } from '../audit/audit.js'
import { ServiceError } from '../errors.js'
import { commitOf } from '../revocation/commit.js'
import type { Entry } from '../revocation/entry.js'
import type { Store } from '../revocation/ports.js'
import type { Revocations } from '../revocation/revocations.js'
import type { NamedClaims } from '../token/claim-mapping.js'
import { findIssuer } from '../token/issuer-name.js'
import { claimKey, type RevocationKey } from '../token/keys.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Issuer, Verification, VerifiedToken } from '../token/verification.js'
import { forClients, type Operation, type Run } from './operation.js'
import { ignoreInvalid } from './revoke.js'

type Parts = {
  clients: Clients
  verification: Verification
  revocations: Revocations
  store: Store
  audit: Audit
  issuers: () => readonly Issuer[]
  now: () => number
}
type Named = Exclude<components['schemas']['RevocationRequest'], { token: string }>

/** Revokes a subject, a session, a token id or a token for a machine client. There is no undo. */
export const createRevocation = (parts: Parts): Operation<'createRevocation'> => {
  const { clients, revocations, audit } = parts
  const run: Run<'createRevocation'> = async ({ requester, body }, client) => {
    const { entry, token, named, ended } = await ('token' in body
      ? byToken(parts, body.token, requester.address)
      : byName(parts, body))
    // Only a token has an audience, so a client with `audiences` may revoke by token only.
    const isAllowed =
      token === undefined ? client.audiences === undefined : mayAskAbout(client, named['aud'])
    if (!isAllowed) return clients.refuse(client, requester, 'other_audience', { named })
    const event = {
      event: 'authn_token_revoked',
      reason: body.reason,
      requester,
      token: { named },
      client: client.id,
    } as const
    const commit = commitOf([entry], {
      auditEvent: audit.revocationEvent(event, [entry]),
      sessionKeysToDelete: sessionKeysOf(ended),
    })
    await audit.auditRevocation(event, revocations.record(commit))
    // The stored entry may have a longer life or a later cutoff than this request.
    const stored = (await parts.store.lookup(entry.key)) ?? entry
    return { status: 200, body: describe(stored, parts.now()) }
  }
  return forClients({ clients, permission: 'revoke', run })
}

const describe = (stored: Entry, nowMs: number) => ({
  key: stored.key,
  effectiveAt: new Date(stored.cutoff === undefined ? nowMs : stored.cutoff * 1000).toISOString(),
  keptUntil: keptUntil(stored),
  ...(stored.cutoff !== undefined && { tokensWithoutIssuedAt: 'refused' as const }),
})

type Revoked = {
  entry: Entry
  named: NamedClaims
  token?: VerifiedToken
  /** Tokens, or claims of them, whose session data is deleted. */
  ended: Parameters<typeof sessionKeysOf>[0]
}

async function byToken(
  { verification, revocations }: Parts,
  jwt: string,
  address: string,
): Promise<Revoked> {
  const token = await verification.verify(jwt, address).catch(ignoreInvalid)
  if (token === undefined) throw badMember('token', invalid)
  return {
    entry: revocations.entryOf(token),
    named: token.named,
    token,
    ended: token.timing === 'current' ? [token] : [],
  }
}

function byName({ revocations, issuers }: Parts, name: Named): Revoked {
  const issuer = issuerOf(issuers(), name.iss)
  const key = keyOf(name)
  const named = { iss: name.iss ?? undefined, ...('sub' in name && { sub: name.sub }) }
  const ending = (of: NamedClaims) => [{ issuer, named: of }]
  if ('jti' in name)
    return {
      named,
      entry: { key, untilMs: revocations.keptUntilMs({ expMs: Math.ceil(name.exp * 1000) }) },
      ended: ending({ jti: name.jti }),
    }
  const untilMs = revocations.keptUntilMs({ lifetimeS: issuer.sessionMaxLifetimeS })
  if ('sid' in name) return { named, entry: { key, untilMs }, ended: ending({ sid: name.sid }) }
  const latest = revocations.cutoffNow()
  const cutoff = name.cutoff ?? latest
  if (cutoff > latest) throw badMember('cutoff', 'must not lie ahead')
  // With a cutoff in the past no session data is deleted, because its age is unknown.
  return {
    named,
    entry: { key, untilMs, cutoff },
    ended: name.cutoff === undefined ? ending({ sub: name.sub }) : [],
  }
}

/**
 * The issuer that a name is of. One that is not configured has no tokens here. Where the issuer is
 * unchecked, the service cannot tell, so its absence has to be stated.
 */
function issuerOf(all: readonly Issuer[], iss: string | null | undefined): Issuer {
  const issuers = all.flatMap(({ issuer }) => issuer ?? [])
  if (iss === undefined) throw badMember('iss', 'is needed', issuers)
  const found = findIssuer(all, iss ?? undefined)
  if (found === undefined) throw badMember('iss', unconfigured, issuers)
  return found
}

function keyOf(named: Named): RevocationKey {
  const [kind, member, claim] =
    'sub' in named
      ? (['u', 'sub', named.sub] as const)
      : 'sid' in named
        ? (['s', 'sid', named.sid] as const)
        : (['j', 'jti', named.jti] as const)
  const key = claimKey(kind, named.iss, claim)
  if (key === undefined) throw badMember(member, invalid)
  return key
}

const invalid = 'is not valid'
const unconfigured = 'must be a configured issuer'

const badMember = (member: string, rule: string, values?: readonly string[]) =>
  new ServiceError('bad_request', {
    reason: rule === unconfigured ? 'unconfigured_issuer' : 'invalid_member',
    details: [{ path: `body.${member}`, rule, ...(values && { values }) }],
  })

/** The latest time that RFC 3339 can express. */
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

export const keptUntil = ({ untilMs }: Entry): string | null =>
  untilMs === null ? null : new Date(Math.min(untilMs, latestMs)).toISOString()
