import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { positionOf, type FeedEvent } from '../feed/event.js'
import { requireReadable } from '../feed/version.js'
import type { Issuer } from '../token/verification.js'
import { forClients, type Answer, type Operation, type Run } from './operation.js'
import { answered } from '../revocation/store-errors.js'

type Parts = {
  clients: Clients
  readTail: () => Promise<FeedEvent | undefined>
  issuers: () => readonly Issuer[]
  timeoutMs: number
}
type IssuerClaims = NonNullable<
  Extract<Answer<'getPosition'>['body'], { position: unknown }>['issuers']
>[number]

/** The last event of the feed, read after the request arrived. */
export const getPosition = (parts: Parts): Operation<'getPosition'> => {
  const { clients, readTail, issuers, timeoutMs } = parts
  const run: Run<'getPosition'> = async ({ query }) => {
    requireReadable(query?.version)
    const tail = await answered('store', timeoutMs, readTail)
    if (tail === undefined) throw new ServiceError('feed_unavailable', { reason: 'feed' })
    return { status: 200, body: { position: positionOf(tail), ...issuersIn(issuers()) } }
  }
  return forClients({ clients, permission: 'feed', run })
}

/** A reader asks once a second, and an earlier guard takes 64 KiB at most. */
const mostIssuersBytes = 32 * 1024

/** The issuers, unless they would make the answer large. */
function issuersIn(all: readonly Issuer[]): Readonly<{ issuers?: IssuerClaims[] }> {
  const issuers = all.map(claimsOf)
  return Buffer.byteLength(JSON.stringify(issuers)) > mostIssuersBytes ? {} : { issuers }
}

const claimsOf = ({ issuer, sessionClaim, subjectClaim, cutoffClaim }: Issuer): IssuerClaims => ({
  issuer: issuer ?? null,
  sessionClaim: [...sessionClaim],
  subjectClaim,
  cutoffClaim,
})
