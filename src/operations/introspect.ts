import type { components } from '../../generated/openapi.js'
import type { Check } from '../revocation/check.js'
import { mayAskAbout, type Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { isDpopBound, isSenderConstrained } from '../token/confirmation.js'
import { claimText } from '../token/keys.js'
import type { VerifiedToken } from '../token/verification.js'
import type { Operation } from './operation.js'

type Active = components['schemas']['Active']

/** RFC 7662. Every inactive token gets the same answer. An unknown state is an error. */
export const introspect =
  ({ clients, check }: { clients: Clients; check: Check }): Operation<'introspect'> =>
  async ({ authorization, requester, body }) => {
    const client = await clients.authenticate(
      { authorization, requester, form: body },
      'introspect',
    )
    const token = (await check(body.token).catch(inactive))?.token
    // A `cnf` that is no object cannot be passed on: the token would pass for a bearer token.
    const isDescribable =
      token !== undefined && (!isSenderConstrained(token.claims) || isObject(token.claims['cnf']))
    const active = isDescribable && mayAskAbout(client, token.claims.aud)
    return { status: 200, body: active ? describe(token) : { active: false } }
  }

function inactive(error: unknown): undefined {
  if (error instanceof ServiceError && error.code === 'invalid_token') return undefined
  throw error
}

const names = ['iss', 'sub', 'jti'] as const
const texts = ['scope', 'client_id', 'username'] as const
const times = ['exp', 'iat', 'nbf'] as const

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const nameText = (value: unknown) => (typeof value === 'string' ? value : claimText(value))

function describe({ claims }: VerifiedToken): Active {
  const { aud } = claims as { aud?: unknown }
  const isText = (value: unknown) => typeof value === 'string'
  const hasAudience = isText(aud) || (Array.isArray(aud) && aud.every(isText))
  return Object.assign(
    // As `Bearer` a DPoP token would be accepted without its proof (RFC 9449 §6.2, RFC 8705 §3.2).
    { active: true, token_type: isDpopBound(claims) ? 'DPoP' : 'Bearer' } as const,
    isObject(claims['cnf']) ? { cnf: claims['cnf'] } : {},
    ...names.map((name) =>
      nameText(claims[name]) === undefined ? {} : { [name]: nameText(claims[name]) },
    ),
    ...texts.map((name) => (isText(claims[name]) ? { [name]: claims[name] } : {})),
    ...times.map((name) => (Number.isFinite(claims[name]) ? { [name]: claims[name] } : {})),
    hasAudience ? { aud } : {},
  ) as Active
}
