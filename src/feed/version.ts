import { ServiceError } from '../errors.js'
import { feedVersion, oldestReaderVersion } from './event.js'

/**
 * Refuses a reader of a version that would miss kinds that revoke (RFC 9110 §15.5.22). A reader of
 * a newer version reads every kind of this version.
 *
 * @param version the version that the reader names; 1 when it names none
 * @throws ServiceError `upgrade_required`
 */
export function requireReadable(version = 1): void {
  if (version >= oldestReaderVersion) return
  throw new ServiceError('upgrade_required', {
    reason: 'feed_version',
    headers: { Upgrade: `cierre-feed/${feedVersion}`, Connection: 'Upgrade' },
  })
}
