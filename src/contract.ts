import { readFileSync } from 'node:fs'
import type { components, operations } from '../generated/openapi.js'

export type ContractDocument = components['schemas']['OpenApiDocument']

type Contract = Readonly<{ yaml: string; document: ContractDocument }>
let contract: Contract | undefined

/** The contract as published: `openapi.yaml` and the same document as JSON. It is read once. */
export function readContract(): Contract {
  return (contract ??= {
    yaml: readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8'),
    document: JSON.parse(
      readFileSync(new URL('../generated/openapi.json', import.meta.url), 'utf8'),
    ) as ContractDocument,
  })
}

type Reference = Readonly<{ $ref?: string }>
type Schema = Reference &
  Readonly<{ type?: string; format?: string; properties?: Readonly<Record<string, object>> }>
export type MediaTypes = Readonly<Record<string, { schema: Schema }>>
type DocumentedResponse = Reference & Readonly<{ content?: MediaTypes }>
export type DocumentedParameter = Readonly<{ name: string; in: string; schema: Schema }>

/** One operation of the document, with the members that cierre reads. */
export type DocumentedOperation = Readonly<{
  path: string
  method: string
  operationId: keyof operations
  parameters?: readonly DocumentedParameter[]
  requestBody?: { content: MediaTypes }
  responses: Readonly<Record<string, DocumentedResponse>>
}>

export function documentedOperations({ paths }: ContractDocument): DocumentedOperation[] {
  const byPath: Record<string, Record<string, Omit<DocumentedOperation, 'path' | 'method'>>> = paths
  return Object.entries(byPath).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  )
}

/**
 * The part of the document that a reference names. A node that is no reference is returned as it
 * is.
 */
export function resolveReference<T extends Reference>(document: ContractDocument, node: T): T {
  if (node.$ref === undefined) return node
  const names = node.$ref.split('/').slice(1)
  const found = names.reduce<unknown>(
    (parent, name) => (parent as Record<string, unknown> | undefined)?.[name],
    document,
  )
  if (found === undefined) throw new Error(`the contract has no ${node.$ref}`)
  return resolveReference(document, found as T)
}

/** The schemas under `components` that a part of the document refers to, by name. */
export function referencedSchemas(
  { components }: ContractDocument,
  part: unknown,
): Record<string, unknown> {
  const { schemas }: { schemas?: Record<string, unknown> } = components
  const found = new Map<string, unknown>()
  const visit = (node: unknown): void => {
    for (const [, name = ''] of JSON.stringify(node).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (found.has(name)) continue
      found.set(name, schemas?.[name])
      visit(schemas?.[name])
    }
  }
  visit(part)
  return Object.fromEntries(found)
}
