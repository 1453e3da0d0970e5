// The contract, and a check of answers by it that shares no code with the service.
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { default as formats } from 'ajv-formats'
import { parse } from 'yaml'
import type { Answer } from './http.js'

type Json = Record<string, unknown>

export const contract = parse(
  readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'),
) as Json

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)

function inlined(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(inlined)
  if (typeof node !== 'object' || node === null) return node
  const ref = (node as Json)['$ref']
  if (typeof ref !== 'string')
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, inlined(value)]))
  return inlined(
    ref
      .slice(2)
      .split('/')
      .reduce<unknown>((at, name) => (at as Json)[name], contract),
  )
}

type Declared = {
  headers?: Record<string, { required?: boolean; schema: object }>
  content?: Record<string, { schema: object; examples?: Record<string, { value: unknown }> }>
}
export type DeclaredOperation = {
  operationId: string
  path: string
  method: string
  security?: Record<string, unknown>[]
  responses: Record<string, Declared>
}

export const declaredOperations: DeclaredOperation[] = Object.entries(
  inlined(contract['paths']) as Record<
    string,
    Record<string, Omit<DeclaredOperation, 'path' | 'method'>>
  >,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    path,
    method: method.toUpperCase(),
  })),
)

export function responseOf(operationId: string, status: number | string): Declared {
  const declared = declaredOperations.find((operation) => operation.operationId === operationId)
    ?.responses[String(status)]
  if (declared === undefined) throw new Error(`${operationId} does not declare ${status}`)
  return declared
}

/** How an answer differs from what the contract declares; empty when it does not. */
export function faultsOf(operationId: string, answer: Answer): string[] {
  const { headers = {}, content = {} } = responseOf(operationId, answer.status)
  const faults: string[] = []
  for (const [name, { required, schema }] of Object.entries(headers)) {
    const value = answer.headers[name.toLowerCase()]
    if (value === undefined && required === true) faults.push(`header ${name} is missing`)
    if (value !== undefined && !ajv.validate(schema, Array.isArray(value) ? value[0] : value))
      faults.push(`header ${name}: ${ajv.errorsText()}`)
  }
  if (Object.keys(content).length === 0)
    return answer.text === '' ? faults : [...faults, 'a body that is not declared']
  const mediaType = String(answer.headers['content-type']).split(';')[0] ?? ''
  const declared = content[mediaType]
  if (declared === undefined) return [...faults, `content type ${mediaType} is not declared`]
  const body = mediaType === 'application/json' ? answer.json : answer.text
  if (!ajv.validate(declared.schema, body)) faults.push(`body: ${ajv.errorsText()}`)
  return faults
}

export function validates(schema: object, value: unknown): boolean {
  return ajv.validate(schema, value)
}
