import { Readable } from 'node:stream'
import { StaticDocument } from '../runtime/static-document.js'
import { responseBodies, type Validator } from '../../generated/validators.js'
import type { OperationId } from '../operations/operation.js'
import type { Outgoing } from './failures.js'

/**
 * How an answer violates the contract, formats included; `undefined` when it does not. The text
 * names places, never values.
 *
 * koa-openapi's own check of responses ignores formats and compiles its schemas at every start.
 */
export function violationOf(
  operationId: OperationId,
  { status, body, headers }: Outgoing,
): string | undefined {
  const mediaType = body === undefined ? 'nothing' : mediaTypeOf(headers)
  const declaration = `${operationId} ${status} ${mediaType}`
  const validate = responseBodies[declaration]
  if (validate === undefined) return `${operationId} does not declare ${status} with ${mediaType}`
  if (body instanceof Readable || isValid(body, declaration, validate)) return undefined
  return (
    validate.errors
      ?.map(({ instancePath, keyword }) => `${instancePath || '/'} ${keyword}`)
      .join('; ') ?? 'invalid'
  )
}

/** The declaration that each static document was validated against. Documents never change. */
const validated = new WeakMap<StaticDocument, string>()

function isValid(body: unknown, declaration: string, validate: Validator): boolean {
  if (!(body instanceof StaticDocument)) return validate(body)
  if (validated.get(body) === declaration) return true
  const text = body.representations.identity.bytes.toString('utf8')
  if (!validate(declaration.endsWith(' application/json') ? JSON.parse(text) : text)) return false
  validated.set(body, declaration)
  return true
}

function mediaTypeOf(headers: Outgoing['headers']): string {
  const type = headers?.['Content-Type']
  return typeof type === 'string' ? (type.split(';')[0] ?? '') : 'application/json'
}
