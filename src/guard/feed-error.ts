import { feedVersion } from '../feed/event.js'
import type { Answer } from '../runtime/http-client.js'

/** A failure of the feed, with the status of the answer if there was one. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  /**
   * @param isPermanent whether the same request will get the same answer until a person changes
   * something
   */
  constructor(
    message: string,
    readonly status?: number,
    readonly isPermanent = false,
  ) {
    super(message)
  }
}

/** The media type of each part of the feed. */
const mediaTypes = {
  snapshot: 'application/octet-stream',
  events: 'text/event-stream',
  position: 'application/json',
} as const

export type FeedPart = keyof typeof mediaTypes

/** Statuses below 500 that pass by themselves: a slow or early request, and a limit. */
const passingStatuses = [408, 425, 429]
const advice = 'feed.url must be the origin of a cierre service'
const statusAdvice: Readonly<Record<number, string>> = {
  401: 'clientId and clientSecret must be of a client that may read the feed; with a private key, audience must be the PUBLIC_URL of the service',
  403: 'clientId and clientSecret must be of a client that may read the feed',
  426: `its revocations are of kinds that version ${feedVersion} of the feed does not have; upgrade this guard`,
}

/** What is wrong with an answer of the feed; `undefined` when it is in order. */
export function violationOf(
  origin: string,
  part: FeedPart,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
): FeedError | undefined {
  if (status >= 500 || passingStatuses.includes(status))
    return new FeedError(`${origin} answered ${status}`, status)
  const permanent = (message: string) => new FeedError(`${origin} ${message}`, status, true)
  if (status >= 300 && status < 400) return permanent(`answered ${status}, a redirect: ${advice}`)
  if (status !== 200) return permanent(`answered ${status}: ${statusAdvice[status] ?? advice}`)
  const type = mediaTypeOf(headers.get('content-type') ?? '')
  if (type === mediaTypes[part]) return undefined
  // Only what looks like a media type may go into a log: the answer may come from any server.
  const named = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type) ? type : 'an unknown type'
  return permanent(`answered with ${named} where the feed has ${mediaTypes[part]}: ${advice}`)
}

const mediaTypeOf = (header: string): string => (header.toLowerCase().split(';', 1)[0] ?? '').trim()
