import type { components } from '../../generated/openapi.js'
import type { Audit } from '../audit/audit.js'
import { mayAskAbout, type Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Entry } from '../revocation/entry.js'
import { claimKey, type RevocationKey } from '../token/keys.js'
import type { Issuer, Verification, VerifiedToken } from '../token/verification.js'
import { invalid } from './revoke.js'
import type { Operation } from './operation.js'
import type { Store } from '../revocation/ports.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

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

/** By subject, session, token id or token, for whoever administers logins. There is no undo. */
export const createRevocation =
  (parts: Parts): Operation<'createRevocation'> =>
  async ({ authorization, requester, body }) => {
    const { clients, revocations, audit } = parts
    const client = await clients.authenticate({ authorization, requester }, 'revoke')
    const { entry, token, claims, ended } = await ('token' in body
      ? byToken(parts, body.token, limitedAddress(requester.address))
      : byName(parts, body))
    // A name alone does not tell whose audience it concerns.
    const isAllowed =
      token === undefined ? client.audiences === undefined : mayAskAbout(client, claims['aud'])
    if (!isAllowed) return clients.refuse(client, requester, 'other_audience', { claims })
    await audit.attempt(
      {
        event: 'authn_token_revoked',
        reason: body.reason,
        requester,
        token: { claims },
        client: client.id,
      },
      async (witness) => revocations.record([entry], witness, sessionKeysOf(ended)),
    )
    // What is stored may be more than was asked for: a longer life, a later cutoff.
    const stored = (await parts.store.lookup(entry.key)) ?? entry
    return {
      status: 200,
      body: {
        key: stored.key,
        effectiveAt: new Date(
          stored.cutoff === undefined ? parts.now() : stored.cutoff * 1000,
        ).toISOString(),
        keptUntil: keptUntil(stored),
      },
    }
  }

type Revoked = {
  entry: Entry
  claims: Readonly<Record<string, unknown>>
  token?: VerifiedToken
  /** Whose session data goes with it. */
  ended: Parameters<typeof sessionKeysOf>[0]
}

async function byToken(
  { verification, revocations }: Parts,
  jwt: string,
  waiter: string,
): Promise<Revoked> {
  const token = await verification.verify(jwt, waiter).catch(invalid)
  if (token === undefined) throw new ServiceError('bad_request', { reason: 'body' })
  return {
    entry: revocations.entryOf(token),
    claims: token.claims,
    token,
    ended: token.timing === 'current' ? [token] : [],
  }
}

function byName({ revocations, issuers }: Parts, named: Named): Revoked {
  const issuer = issuers().find(
    (candidate) => candidate.issuer === undefined || candidate.issuer === named.iss,
  )
  const key = keyOf(named)
  if (issuer === undefined || key === undefined)
    throw new ServiceError('bad_request', { reason: 'body' })
  const claims = { iss: named.iss, ...('sub' in named && { sub: named.sub }) }
  const ending = (of: { sub?: string; sid?: string; jti?: string }) => [{ issuer, claims: of }]
  if ('jti' in named)
    return {
      claims,
      entry: { key, untilMs: revocations.keptUntilMs({ expMs: Math.ceil(named.exp * 1000) }) },
      ended: ending({ jti: named.jti }),
    }
  const untilMs = revocations.keptUntilMs({ lifetimeS: issuer.sessionMaxLifetimeS })
  if ('sid' in named) return { claims, entry: { key, untilMs }, ended: ending({ sid: named.sid }) }
  const latest = revocations.cutoffNow()
  const cutoff = named.cutoff ?? latest
  if (cutoff > latest) throw new ServiceError('bad_request', { reason: 'body' })
  // Session data does not tell whether it is from before a cutoff in the past.
  return {
    claims,
    entry: { key, untilMs, cutoff },
    ended: named.cutoff === undefined ? ending({ sub: named.sub }) : [],
  }
}

function keyOf(named: Named): RevocationKey | undefined {
  if ('sub' in named) return claimKey('u', named.iss, named.sub)
  return 'sid' in named ? claimKey('s', named.iss, named.sid) : claimKey('j', named.iss, named.jti)
}

// The latest time that RFC 3339 can say; nobody will wait for the rest.
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

export const keptUntil = ({ untilMs }: Entry): string | null =>
  untilMs === null ? null : new Date(Math.min(untilMs, latestMs)).toISOString()
