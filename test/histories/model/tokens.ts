import { cachedToken, type CachedToken } from '../../../src/guard/token-cache.js'
import { parseCanonical } from '../../../src/token/canonical-encoding.js'
import { tokenKeys } from '../../../src/token/keys.js'
import type { Issuer, VerifiedToken } from '../../../src/token/verification.js'

/** When every history begins. */
export const startMs = 1_800_000_000_000
/** Longest life of a session, as the service is configured. */
export const sessionMaxLifetimeS = 7_200
/** As the service is configured, too. */
export const maxClockSkewMs = 60_000

/** A login of a person. `token` is what the rules of the product see. */
export type Login = Readonly<{
  name: string
  person: string
  session: string | undefined
  token: VerifiedToken
  cached: CachedToken
}>

// Only these are read: no signature is verified in a history.
const issuer = {
  sessionMaxLifetimeS,
  cutoffClaim: 'iat',
  keys: { generation: () => 0 },
} as unknown as Issuer

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const made = new Map<string, Login>()

type Given = Readonly<{
  name: string
  person: string
  session?: string | undefined
  iatS: number
  lifeS?: number
}>

/** The same login for the same values: hashing its names takes longer than an event. */
export function loginOf({ name, person, session, iatS, lifeS = 3_600 }: Given): Login {
  const id = `${name} ${session} ${iatS} ${lifeS}`
  const before = made.get(id)
  if (before !== undefined) return before
  const claims = { iss: 'issuer', sub: person, ...(session !== undefined && { sid: session }) }
  const jwt = `${base64url({ alg: 'HS256' })}.${base64url({ ...claims, name })}.AAAA`
  const dated = { ...claims, iat: iatS, exp: iatS + lifeS }
  const token: VerifiedToken = {
    timing: 'current',
    claims: dated,
    named: dated,
    keys: tokenKeys(parseCanonical(jwt), dated),
    issuer,
    expMs: (iatS + lifeS) * 1000,
  }
  const login = { name, person, session, token, cached: cachedToken(`Bearer ${jwt}`, token) }
  made.set(id, login)
  return login
}
