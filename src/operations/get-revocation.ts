import type { Clients } from '../access/clients.js'
import type { CutoffClaim } from '../token/claims.js'
import type { RevocationKey } from '../token/keys.js'
import { keptUntil } from './create-revocation.js'
import type { Operation } from './operation.js'
import type { Store } from '../revocation/ports.js'

type Parts = { clients: Clients; store: Store; cutoffClaim: CutoffClaim }

/** Whether a key that the audit trail names is revoked, and until when. */
export const getRevocation =
  ({ clients, store, cutoffClaim }: Parts): Operation<'getRevocation'> =>
  async ({ authorization, requester, params }) => {
    const client = await clients.authenticate({ authorization, requester }, 'introspect')
    // A key has no audience, so a client with `audiences` may not look it up.
    if (client.audiences !== undefined) return clients.refuse(client, requester, 'other_audience')
    const key = params.key as RevocationKey
    const entry = await store.lookup(key)
    if (entry === undefined) return { status: 200, body: { key, revoked: false } }
    return {
      status: 200,
      body: {
        key,
        revoked: true,
        ...(entry.cutoff !== undefined && { cutoff: entry.cutoff, cutoffClaim }),
        keptUntil: keptUntil(entry),
      },
    }
  }
