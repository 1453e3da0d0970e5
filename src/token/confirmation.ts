type Claims = Readonly<Record<string, unknown>>

/** Whether a token is bound to a key that its sender has to prove (RFC 7800 §3.1): by DPoP, a client certificate or otherwise. */
export const isSenderConstrained = ({ cnf }: Claims): boolean => cnf !== undefined && cnf !== null

/** Whether that proof is DPoP's (RFC 9449 §6.1). */
export const isDpopBound = ({ cnf }: Claims): boolean =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf

/** What becomes of a sender-constrained token that is presented without proof, where a token is checked. */
export const senderConstrainedRules = ['refuse', 'ignore'] as const
export type SenderConstrained = (typeof senderConstrainedRules)[number]
