import type { components } from '../../generated/openapi.js'
import type { Check } from '../revocation/check.js'
import type { Client } from '../access/client.js'
import { mayAskAbout, type Clients } from '../access/clients.js'
import { isDpopBound, isSenderConstrained } from '../token/confirmation.js'
import type { NamedClaims } from '../token/claim-mapping.js'
import { claimText } from '../token/keys.js'
import { scopeText } from '../token/scopes.js'
import { forClients, type Operation, type Run } from './operation.js'
import { ignoreInvalid } from './revoke.js'

type Active = components['schemas']['Active']
type Parts = { clients: Clients; check: Check }
type Introspection = components['schemas']['Introspection']

/**
 * RFC 7662. Every inactive token gets the same answer. An unknown state is an error, and so is a
 * token that is too long: it may be active elsewhere.
 */
export const introspect = ({ clients, check }: Parts): Operation<'introspect'> => {
  const run: Run<'introspect'> = async ({ body }, client) => {
    const checked = await check(body.token).catch(ignoreInvalid)
    return { status: 200, body: introspectionOf(checked?.token.named, client) }
  }
  return forClients({ clients, permission: 'introspect', inForm: true, run })
}

/**
 * The answer about a token that is in order and not revoked, or about none.
 *
 * @param client absent: any client may ask about any token
 */
export function introspectionOf(
  named: NamedClaims | undefined,
  client: Client | undefined,
): Introspection {
  if (named === undefined) return { active: false }
  // A `cnf` that is no object cannot be passed on: the token would pass for a bearer token.
  const isDescribable = !isSenderConstrained(named) || isObject(named['cnf'])
  const mayAsk = client === undefined || mayAskAbout(client, named['aud'])
  return isDescribable && mayAsk ? describe(named, client?.claims ?? []) : { active: false }
}

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown) => typeof value === 'string'
const isAudience = (aud: unknown) => isText(aud) || (Array.isArray(aud) && aud.every(isText))
const isTextOrNumber = (value: unknown) => isText(value) || Number.isFinite(value)

const nameText = (value: unknown) => (typeof value === 'string' ? value : claimText(value))
const unchangedIf = (isRight: (value: unknown) => boolean) => (value: unknown) =>
  isRight(value) ? value : undefined
const finiteNumber = unchangedIf(Number.isFinite)
const textOrNumber = unchangedIf(isTextOrNumber)

/** What every client is told of a token: of each member what the claim gives, or else nothing. */
const members: Readonly<Record<string, (claim: unknown, named: NamedClaims) => unknown>> = {
  active: () => true,
  // As `Bearer` a DPoP token would be accepted without its proof (RFC 9449 §6.2, RFC 8705 §3.2).
  token_type: (_, named) => (isDpopBound(named) ? 'DPoP' : 'Bearer'),
  cnf: unchangedIf(isObject),
  scope: (_, named) => scopeText(named),
  client_id: unchangedIf(isText),
  username: unchangedIf(isText),
  exp: finiteNumber,
  iat: finiteNumber,
  nbf: finiteNumber,
  iss: nameText,
  sub: nameText,
  aud: unchangedIf(isAudience),
  jti: textOrNumber,
  sid: textOrNumber,
  azp: textOrNumber,
  acr: textOrNumber,
  auth_time: textOrNumber,
}

/** @param further names of claims that the client is told, too, as the token has them */
function describe(named: NamedClaims, further: readonly string[]): Active {
  const described = Object.entries(members).flatMap(([name, read]) => {
    const value = read(named[name], named)
    return value === undefined ? [] : [[name, value] as const]
  })
  const more = further
    .filter((name) => Object.hasOwn(named, name) && !Object.hasOwn(members, name))
    .map((name) => [name, named[name]] as const)
  return Object.fromEntries([...described, ...more]) as Active
}
