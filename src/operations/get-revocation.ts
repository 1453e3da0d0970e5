import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import type { LiveSet } from '../revocation/live-set.js'
import type { CutoffClaim } from '../token/claim-mapping.js'
import { findIssuer } from '../token/issuer-name.js'
import type { RevocationKey } from '../token/keys.js'
import type { Issuer } from '../token/verification.js'
import { keptUntil } from './create-revocation.js'
import { forClients, type Answer, type Operation, type Run } from './operation.js'
import type { Store } from '../revocation/ports.js'

type Parts = {
  clients: Clients
  store: Store
  /** The revocations that this instance knows. */
  liveSet: Pick<LiveSet, 'find'>
  issuers: () => readonly Issuer[]
}
type State = Extract<Answer<'getRevocation'>['body'], { key: unknown }>

/** Whether a key that the audit trail names is revoked, and until when. */
export const getRevocation = (parts: Parts): Operation<'getRevocation'> => {
  const { clients, store, liveSet, issuers } = parts
  const run: Run<'getRevocation'> = async ({ requester, params, query }, client) => {
    // A key has no audience, so a client with `audiences` may not look it up.
    if (client.audiences !== undefined) return clients.refuse(client, requester, 'other_audience')
    const key = params.key as RevocationKey
    const entry = await store.lookup(key)
    // Redis has lost it, and this instance writes it back.
    if (entry === undefined && liveSet.find(key) !== undefined)
      throw new ServiceError('store_unavailable', { reason: 'store' })
    const claims = claimsOf(query.iss, issuers())
    if (entry === undefined) return { status: 200, body: { key, revoked: false, ...claims } }
    const { cutoff } = entry
    const cutoffClaim = claims.claims?.cutoff ?? sharedCutoffClaim(issuers())
    return {
      status: 200,
      body: {
        key,
        revoked: true,
        ...(cutoff !== undefined && { cutoff, ...(cutoffClaim && { cutoffClaim }) }),
        keptUntil: keptUntil(entry),
        ...claims,
      },
    }
  }
  return forClients({ clients, permission: 'introspect', run })
}

/** @param iss empty: the tokens have none */
function claimsOf(iss: string | undefined, issuers: readonly Issuer[]): Pick<State, 'claims'> {
  const issuer = iss === undefined ? undefined : findIssuer(issuers, iss || undefined)
  if (issuer === undefined) return {}
  const { sessionClaim, subjectClaim, cutoffClaim } = issuer
  return { claims: { session: [...sessionClaim], subject: subjectClaim, cutoff: cutoffClaim } }
}

/** The cutoff claim of all issuers, if they have the same. */
function sharedCutoffClaim(issuers: readonly Issuer[]): CutoffClaim | undefined {
  const [first, ...others] = new Set(issuers.map(({ cutoffClaim }) => cutoffClaim))
  return others.length === 0 ? first : undefined
}
