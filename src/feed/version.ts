import { ServiceError } from '../errors.js'
import { feedVersion } from './event.js'

/**
 * Refuses a reader that would miss kinds that revoke (RFC 9110 §15.5.22). A newer one than this
 * code can read all there is.
 *
 * @param version the version that the reader names; 1 unless it names one
 * @throws ServiceError `upgrade_required`
 */
export function requireReadable(version = 1): void {
  if (version >= feedVersion) return
  throw new ServiceError('upgrade_required', {
    headers: { Upgrade: `cierre-feed/${feedVersion}`, Connection: 'Upgrade' },
  })
}
