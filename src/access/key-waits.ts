import { limitedAddress } from '../runtime/ip-addresses.js'
import type { Verification } from '../token/verification.js'

/**
 * Verification for requests. The key waits of a request count against what one client is likely to
 * hold: its IPv4 address, or its IPv6 /64.
 *
 * @param current the verification of this moment; a reload replaces it
 */
export const limitKeyWaits = (current: () => Verification): Verification => ({
  verify: (jwt, address) =>
    current().verify(jwt, address === undefined ? undefined : limitedAddress(address)),
})
