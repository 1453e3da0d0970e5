import { limitedAddress } from '../runtime/ip-addresses.js'
import type { Verification } from '../token/verification.js'

/**
 * Verification for requests. The waits for a key are limited per IPv4 address or IPv6 /64, which is
 * what one client is likely to hold.
 *
 * @param current returns the present verification; a reload replaces it
 */
export const limitKeyWaits = (current: () => Verification): Verification => ({
  verify: (jwt, address) =>
    current().verify(jwt, address === undefined ? undefined : limitedAddress(address)),
})
