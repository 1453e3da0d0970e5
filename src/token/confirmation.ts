type Claims = Readonly<Record<string, unknown>>

/**
 * Whether a token is bound to a key of its sender (RFC 7800 §3.1): by DPoP, a client certificate or
 * otherwise.
 */
export const isSenderConstrained = ({ cnf }: Claims): boolean => cnf !== undefined && cnf !== null

/** Whether a token is bound by DPoP (RFC 9449 §6.1). */
export const isDpopBound = ({ cnf }: Claims): boolean =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf

/** What a check does with a sender-constrained token that comes without proof. */
export const senderConstrainedRules = ['refuse', 'ignore'] as const
export type SenderConstrained = (typeof senderConstrainedRules)[number]
