import {
  documentedOperations,
  resolveReference,
  type ContractDocument,
  type DocumentedOperation,
  type DocumentedParameter,
} from '../contract.js'
import type { OperationId, OperationTraits, Operations } from '../operations/operation.js'

/** `envelope`: `{"success":false,"message":…}`. `oauth`: `{"error":…}` (RFC 6749 §5.2). */
export type FailureForm = 'envelope' | 'oauth'

/** What HTTP knows of an operation: its traits, and what the contract declares for it. */
export type ServedOperation = Readonly<{
  operationId: OperationId
  path: string
  parameters: readonly DocumentedParameter[]
  limitedByAddress: boolean
  refuseBody: OperationTraits['refuseBody']
  mayLackToken: boolean
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
      const { operationId, path, responses, parameters = [] } = documented
      const { limitedByAddress = false, refuseBody, mayLackToken = false } = operations[operationId]
      const served: ServedOperation = {
        operationId,
        path,
        parameters,
        limitedByAddress,
        refuseBody,
        mayLackToken,
        outcomeUnknown: '500' in responses ? 'internal_error' : 'store_unavailable',
        failureForm: failureFormOf(document, documented),
      }
      return [operationId, served]
    }),
  )
}

/** The schema of a 404 shows the form of failures; of a check, which has none, that of a 503. */
function failureFormOf(
  document: ContractDocument,
  { operationId, responses }: DocumentedOperation,
): FailureForm {
  const failure = responses['404'] ?? responses['503']
  const { content } = resolveReference(document, failure ?? {})
  const schema = content?.['application/json']?.schema
  if (schema === undefined)
    throw new Error(`${operationId} declares neither a 404 nor a 503 in JSON`)
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
