import {
  documentedOperations,
  resolveReference,
  type ContractDocument,
  type DocumentedOperation,
} from '../contract.js'
import type { FailureCode } from '../errors.js'
import type { OperationId, Operations } from '../operations/operation.js'

/** `envelope`: `{"success":false,"message":…}`. `oauth`: `{"error":…}` (RFC 6749 §5.2). */
export type FailureForm = 'envelope' | 'oauth'

/** What HTTP knows of an operation: its traits, and what the contract declares for it. */
export type ServedOperation = Readonly<{
  operationId: OperationId
  path: string
  limitedByAddress: boolean
  unreadableBody: FailureCode
  /** The failure when the outcome is unknown: 500 or 503, as the operation declares. */
  outcomeUnknown: 'internal_error' | 'store_unavailable'
  failureForm: FailureForm
}>

export function servedOperations(
  document: ContractDocument,
  operations: Operations,
): Map<OperationId, ServedOperation> {
  return new Map(
    documentedOperations(document).map((documented) => {
      const { operationId, path, responses } = documented
      const { limitedByAddress = false, unreadableBody = 'bad_request' } = operations[operationId]
      const served: ServedOperation = {
        operationId,
        path,
        limitedByAddress,
        unreadableBody,
        outcomeUnknown: '500' in responses ? 'internal_error' : 'store_unavailable',
        failureForm: failureFormOf(document, documented),
      }
      return [operationId, served]
    }),
  )
}

/** Every operation declares a 404, whose schema shows the form of its failures. */
function failureFormOf(
  document: ContractDocument,
  { operationId, responses }: DocumentedOperation,
): FailureForm {
  const notFound = responses['404']
  const { content } = resolveReference(document, notFound ?? {})
  const schema = content?.['application/json']?.schema
  if (schema === undefined) throw new Error(`${operationId} declares no 404 in JSON`)
  const { properties = {} } = resolveReference(document, schema)
  return 'error' in properties ? 'oauth' : 'envelope'
}

/**
 * The failure form of a path without an operation. It is `oauth` if the path begins with that of an
 * `oauth` operation, or with a folder whose operations are all `oauth`.
 */
export function createPathForms(served: Iterable<ServedOperation>): (path: string) => FailureForm {
  const all = [...served]
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)
  const isOAuthFolder = (folder: string) =>
    all.every(({ path, failureForm }) => failureForm === 'oauth' || !path.startsWith(folder))
  const prefixes = all
    .filter(({ failureForm }) => failureForm === 'oauth')
    .map(({ path }) => (isOAuthFolder(folderOf(path)) ? folderOf(path) : path))
  return (path) => (prefixes.some((prefix) => path.startsWith(prefix)) ? 'oauth' : 'envelope')
}
