/** The hash tag keeps all keys on one cluster slot, so that one commit may touch several. */
export const keyPrefix = 'cierre:{c}:'
export const feedKey = `${keyPrefix}feed`
/** Holds the name of the feed's epoch. */
export const epochKey = `${keyPrefix}history`
export const auditKey = `${keyPrefix}audit`
export const layoutKey = `${keyPrefix}layout`
