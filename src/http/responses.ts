import { Readable } from 'node:stream'
import { responseBodies } from '../../generated/validators.js'
import type { OperationId } from '../operations/operation.js'
import type { Outgoing } from './failures.js'

/**
 * What is wrong with an answer by the contract, formats included, or nothing. The text names places, never values.
 */
export function faultOfAnswer(operationId: OperationId, { status, body, headers }: Outgoing): string | undefined {
  const mediaType = body === undefined ? 'nothing' : mediaTypeOf(headers)
  const validate = responseBodies[`${operationId} ${status} ${mediaType}`]
  if (validate === undefined) return `${operationId} does not declare ${status} with ${mediaType}`
  if (body instanceof Readable || validate(body)) return undefined
  return validate.errors?.map(({ instancePath, keyword }) => `${instancePath || '/'} ${keyword}`).join('; ') ?? 'invalid'
}

function mediaTypeOf(headers: Outgoing['headers']): string {
  const type = headers?.['Content-Type']
  return typeof type === 'string' ? (type.split(';')[0] ?? '') : 'application/json'
}
