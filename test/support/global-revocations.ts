import { randomUUID } from 'node:crypto'
import { nowS, type Claims } from './tokens.js'

/** Whom a request is of and for. */
export type RequestNames = Readonly<Record<'sender' | 'aud' | 'iss' | 'sub', string>>

/** The shape of a request of Global Token Revocation, as its sender's documentation has it. */
export type GlobalRevocationShape = Readonly<{
  sender: string
  /** Of the header; absent: none. */
  typ?: string
  claims: (names: RequestNames) => Claims
  body: (names: RequestNames) => object
  /** What the service answers; 404 for a format that names no subject here. */
  status: 204 | 404
}>

/** The JWT of Okta: the org is the issuer, the app the subject; it lives for 5 minutes. */
const oktaClaims = ({ sender, aud }: RequestNames): Claims => ({
  jti: randomUUID(),
  iss: sender,
  sub: '0oa1bhzlb7okta',
  aud,
  iat: nowS(),
  nbf: nowS(-300),
  exp: nowS(300),
})

const globalRevocationTyp = 'global-token-revocation+jwt'

export const globalRevocationShapes: readonly GlobalRevocationShape[] = [
  {
    // Guide "Build Universal Logout for your app", as it was for draft 02.
    sender: 'Okta, subject',
    typ: globalRevocationTyp,
    claims: oktaClaims,
    body: ({ iss, sub }) => ({ subject: { format: 'iss_sub', iss, sub } }),
    status: 204,
  },
  {
    // The same guide now: subject format "Issuer and Subject Identifier".
    sender: 'Okta, sub_id',
    typ: globalRevocationTyp,
    claims: oktaClaims,
    body: ({ iss, sub }) => ({ sub_id: { format: 'iss_sub', iss, sub } }),
    status: 204,
  },
  {
    // Okta's reference of its own endpoint, which has the id of the user there.
    sender: 'Okta, opaque',
    typ: globalRevocationTyp,
    claims: oktaClaims,
    body: ({ sub }) => ({ sub_id: { format: 'opaque', id: sub } }),
    status: 204,
  },
  {
    // The default of Okta's setting "Subject format".
    sender: 'Okta, email',
    typ: globalRevocationTyp,
    claims: oktaClaims,
    body: () => ({ sub_id: { format: 'email', email: 'user@example.com' } }),
    status: 404,
  },
  {
    // Auth0's reference of `/oauth/global-token-revocation/connection/{name}`, which is of draft 02.
    sender: 'Auth0',
    claims: ({ sender, aud }) => ({
      iss: sender,
      sub: 'my_client_id',
      aud,
      jti: randomUUID(),
      iat: nowS(),
      exp: nowS(60),
    }),
    body: ({ iss, sub }) => ({ subject: { format: 'iss_sub', iss, sub } }),
    status: 204,
  },
]
