import type { IncomingHttpHeaders } from 'node:http'
import type { StaticDocument } from '../runtime/static-document.js'
import { namesEntityTag, preferredCoding } from './content-negotiation.js'
import type { Outgoing } from './failures.js'

/**
 * A static document in the coding that the client prefers, or 304 when the client has it already.
 * The caller adds `Vary`.
 */
export function staticAnswer(
  { status, headers }: Outgoing,
  document: StaticDocument,
  request: IncomingHttpHeaders,
): Outgoing {
  const coding = preferredCoding(request['accept-encoding'])
  const { bytes, etag } = document.representations[coding]
  if (namesEntityTag(request['if-none-match'], etag)) {
    // A cache takes over these fields (RFC 9111 §3.2), so all but the type are sent again.
    const kept = Object.entries(headers ?? {}).filter(([name]) => name !== 'Content-Type')
    return { status: 304, body: undefined, headers: { ...Object.fromEntries(kept), ETag: etag } }
  }
  return {
    status,
    body: bytes,
    headers: {
      ...headers,
      ETag: etag,
      ...(coding !== 'identity' && { 'Content-Encoding': coding }),
    },
  }
}
