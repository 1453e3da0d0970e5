import { feedVersion } from '../../src/feed/event.js'

/** The path of a part of the feed, for a reader of this version. */
export const feedPath = (part: 'snapshot' | 'events' | 'position', query = ''): string =>
  `/api/v1/revocations/${part}?${query}${query === '' ? '' : '&'}version=${feedVersion}`
