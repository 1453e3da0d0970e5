import {
  documentedOperations,
  resolveReference,
  type ContractDocument,
  type DocumentedOperation,
  type DocumentedParameter,
} from '../contract.js'
import type { OperationId, OperationTraits, Operations } from '../operations/operation.js'
import type { BodyForm, Described, ValueSchema } from './request-faults.js'

/** `envelope`: `{"success":false,"message":…}`. `oauth`: `{"error":…}` (RFC 6749 §5.2). */
export type FailureForm = 'envelope' | 'oauth'

/** What HTTP knows of an operation: its traits, and what the contract declares for it. */
export type ServedOperation = Described &
  Readonly<{
    operationId: OperationId
    path: string
    limitedByAddress: boolean
    refuseBody: OperationTraits['refuseBody']
    isAuthenticated: OperationTraits['isAuthenticated']
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
      const traits = operations[operationId]
      const served: ServedOperation = {
        operationId,
        path,
        parameters: parameters.map((one) => resolvedParameter(document, one)),
        bodyForms: bodyFormsOf(document, documented),
        hasDetails: hasDetails(document, documented),
        limitedByAddress: traits.limitedByAddress ?? false,
        refuseBody: traits.refuseBody,
        isAuthenticated: traits.isAuthenticated,
        mayLackToken: traits.mayLackToken ?? false,
        outcomeUnknown: '500' in responses ? 'internal_error' : 'store_unavailable',
        failureForm: failureFormOf(document, documented),
      }
      return [operationId, served]
    }),
  )
}

const resolvedParameter = (document: ContractDocument, parameter: DocumentedParameter) => ({
  ...parameter,
  schema: resolveReference(document, parameter.schema),
})

type BodySchema = Readonly<{ $ref?: string }> &
  BodyForm &
  Readonly<{ oneOf?: readonly BodySchema[] }>

function bodyFormsOf(
  document: ContractDocument,
  { requestBody }: DocumentedOperation,
): readonly BodyForm[] {
  const resolve = (schema: ValueSchema): ValueSchema => {
    const found = resolveReference(document, schema)
    return found.oneOf === undefined ? found : { ...found, oneOf: found.oneOf.map(resolve) }
  }
  return Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => {
    const found = resolveReference(document, schema as unknown as BodySchema)
    return (found.oneOf ?? [found]).map((one) => {
      const { required = [], properties = {} } = resolveReference(document, one)
      const members = Object.entries(properties).map(([name, of]) => [name, resolve(of)] as const)
      return { required, properties: Object.fromEntries(members) }
    })
  })
}

/** Whether the schema of the 400 has `details`. */
function hasDetails(document: ContractDocument, { responses }: DocumentedOperation): boolean {
  const { content } = resolveReference(document, responses['400'] ?? {})
  const schema = content?.['application/json']?.schema
  const { properties = {} } = schema === undefined ? {} : resolveReference(document, schema)
  return 'details' in properties
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
