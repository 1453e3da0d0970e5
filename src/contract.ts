import { readFileSync } from 'node:fs'
import type { components, operations } from '../generated/openapi.js'

export type ContractDocument = components['schemas']['OpenApiDocument']

/** The contract as published: `openapi.yaml` and the same document as JSON. */
export function readContract(): { yaml: string; document: ContractDocument } {
  return {
    yaml: readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8'),
    document: JSON.parse(
      readFileSync(new URL('../generated/openapi.json', import.meta.url), 'utf8'),
    ) as ContractDocument,
  }
}

export type MediaTypes = Readonly<Record<string, { schema: object }>>

/** One operation as the document describes it, with what we read of it. */
export type DocumentedOperation = Readonly<{
  path: string
  method: string
  operationId: keyof operations
  parameters?: readonly { name: string; in: string }[]
  requestBody?: { content: MediaTypes }
  responses: Readonly<Record<string, { $ref?: string; content?: MediaTypes }>>
}>

export function documentedOperations({ paths }: ContractDocument): DocumentedOperation[] {
  const byPath: Record<string, Record<string, Omit<DocumentedOperation, 'path' | 'method'>>> = paths
  return Object.entries(byPath).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  )
}
