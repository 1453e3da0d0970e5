/** The hash tag keeps all keys on one cluster slot, so that the commit may touch several. */
export const keyPrefix = 'cierre:{c}:'
export const feedKey = `${keyPrefix}feed`
export const historyKey = `${keyPrefix}history`
export const auditKey = `${keyPrefix}audit`
export const layoutKey = `${keyPrefix}layout`
