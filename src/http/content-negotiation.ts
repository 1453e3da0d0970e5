import { contentCodings, type ContentCoding } from '../runtime/static-document.js'

const member = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i
/** Below every weight that a client can give, except 0. */
const leastWeight = 0.0001

/**
 * The coding to which the client gives the highest weight (RFC 9110 §12.5.3). Of equal codings the
 * one with the fewest bytes is taken. A client that names no coding, or none of ours, gets the
 * document without coding.
 */
export function preferredCoding(acceptEncoding: string | undefined): ContentCoding {
  const weights = weightsOf(acceptEncoding ?? '')
  const weightOf = (coding: ContentCoding) =>
    weights.get(coding) ?? weights.get('*') ?? (coding === 'identity' ? leastWeight : 0)
  const best = Math.max(...contentCodings.map(weightOf))
  return best === 0
    ? 'identity'
    : (contentCodings.find((coding) => weightOf(coding) === best) ?? 'identity')
}

function weightsOf(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const text of acceptEncoding.split(',')) {
    const [, name, weight = '1'] = member.exec(text) ?? []
    if (name === undefined) continue
    const coding = name.toLowerCase()
    // `x-gzip` is the older name of `gzip` (RFC 9110 §8.4.1.3).
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, Number(weight))
  }
  return weights
}

/** Whether `If-None-Match` names an entity tag, by weak comparison (RFC 9110 §13.1.2). */
export function namesEntityTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  // The `W/` of a weak tag is ignored, and quotes may contain a comma.
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([opaque]) => opaque === etag)
}
