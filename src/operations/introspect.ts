import type { components } from '../../generated/openapi.js'
import type { Check } from '../revocation/check.js'
import { mayAskAbout, type Client, type Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { isDpopBound, isSenderConstrained } from '../token/confirmation.js'
import { claimText } from '../token/keys.js'
import type { Claims } from '../token/verification.js'
import type { Operation } from './operation.js'

type Active = components['schemas']['Active']
type Introspection = components['schemas']['Introspection']

/** RFC 7662. Every inactive token gets the same answer. An unknown state is an error. */
export const introspect =
  ({ clients, check }: { clients: Clients; check: Check }): Operation<'introspect'> =>
  async ({ authorization, requester, body }) => {
    const client = await clients.authenticate(
      { authorization, requester, form: body },
      'introspect',
    )
    const checked = await check(body.token).catch(inactive)
    return { status: 200, body: introspectionOf(checked?.token.claims, client) }
  }

/**
 * The answer about a token that is in order and not revoked, or about none.
 *
 * @param client absent: any client may ask about any token
 */
export function introspectionOf(
  claims: Claims | undefined,
  client: Client | undefined,
): Introspection {
  if (claims === undefined) return { active: false }
  // A `cnf` that is no object cannot be passed on: the token would pass for a bearer token.
  const isDescribable = !isSenderConstrained(claims) || isObject(claims['cnf'])
  const mayAsk = client === undefined || mayAskAbout(client, claims.aud)
  return isDescribable && mayAsk ? describe(claims) : { active: false }
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

function describe(claims: Claims): Active {
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
