import { ServiceError } from '../../errors.js'
import { assertionType } from '../../token/signing.js'
import { parseBasic, type Secret } from './basic.js'

/** A JWT by which a client authenticates itself (RFC 7523 §2.2), and the id beside it, if any. */
export type Assertion = Readonly<{ assertion: string; id: string | undefined }>

/** How a request says which machine client it comes from. */
export type Credentials = Secret | Assertion

/**
 * The credentials of a request: HTTP Basic, or id and secret in its form (RFC 6749 §2.3.1), or a
 * client assertion in its form (RFC 7521 §4.2) or, where a request has no form, as a bearer. Beside
 * other credentials a form may still have the `client_id` of the same client.
 *
 * @param authorization every `Authorization` line
 * @returns `undefined` when there are none, or when they cannot be read
 * @throws ServiceError `bad_request` when a request presents credentials twice, or names two clients
 */
export function clientCredentials(
  authorization: readonly string[],
  form: Readonly<Record<string, unknown>> = {},
): Credentials | undefined {
  const member = (name: string) => textOf(form[name])
  const [id, secret, assertion] = ['client_id', 'client_secret', 'client_assertion'].map(member)
  const [line] = authorization
  const presented = [...authorization, secret, assertion].filter((one) => one !== undefined)
  const credentials = line === undefined ? undefined : parseLine(line, id)
  const isContradicted = id !== undefined && credentials !== undefined && id !== credentials.id
  if (presented.length > 1 || isContradicted)
    throw new ServiceError('bad_request', {
      reason: 'two_credentials',
      details: [{ path: 'header.Authorization', rule: onlyOnce }],
    })
  if (line !== undefined) return credentials
  if (assertion !== undefined)
    return member('client_assertion_type') === assertionType ? { assertion, id } : undefined
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

const onlyOnce = 'must be the only credentials of the request, and of the client that it names'

/** A member without a value counts as left out (RFC 6749 §3.2). */
const textOf = (member: unknown) =>
  typeof member === 'string' && member !== '' ? member : undefined

function parseLine(line: string, id: string | undefined): Credentials | undefined {
  const [, assertion] = /^bearer +(\S+)$/i.exec(line) ?? []
  return assertion === undefined ? parseBasic(line) : { assertion, id }
}
