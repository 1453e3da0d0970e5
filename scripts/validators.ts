import { Ajv2020 } from 'ajv/dist/2020.js'
import standaloneModule from 'ajv/dist/standalone/index.js'
import { default as formatsModule } from 'ajv-formats'
import {
  documentedOperations,
  resolveReference,
  type ContractDocument,
  type DocumentedOperation,
} from '../src/contract.js'

/**
 * Code that validates every response body of the contract. It is compiled ahead, because a
 * compilation at each start would take a second. koa-openapi validates the requests.
 */
export function makeValidators(document: ContractDocument): { code: string; types: string } {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    code: { source: true, esm: true, lines: true },
  })
  formatsModule.default(ajv)
  ajv.addSchema(document, 'contract')
  const validators = createValidatorNames(ajv)
  const responses = Object.fromEntries(
    documentedOperations(document).flatMap((operation) =>
      responsesOf(document, operation).map(({ declaration, pointer }) => [
        declaration,
        pointer === undefined ? 'isNothing' : validators.nameOf(pointer),
      ]),
    ),
  )
  const compiled = standaloneModule.default(ajv, validators.all())
  return { code: codeOf(compiled, responses), types }
}

/** Adds each schema to ajv once, under a name that is a JavaScript identifier. */
function createValidatorNames(ajv: Ajv2020) {
  const names = new Map<string, string>()
  return {
    nameOf(pointer: readonly string[]): string {
      const $ref = `contract#/${pointer.map(pointerPart).join('/')}`
      const name = names.get($ref) ?? `body${names.size}`
      if (!names.has($ref)) ajv.addSchema({ $id: name, $ref })
      names.set($ref, name)
      return name
    },
    all: () => Object.fromEntries([...names.values()].map((name) => [name, name])),
  }
}

const pointerPart = (part: string) =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))

/** The declared answers of an operation, and the JSON pointer to the schema of each body. */
function responsesOf(
  document: ContractDocument,
  { path, method, operationId, responses }: DocumentedOperation,
): { declaration: string; pointer?: string[] }[] {
  return Object.entries(responses).flatMap(([status, response]) => {
    const place = response.$ref?.split('/').slice(1) ?? [
      ...['paths', path, method],
      ...['responses', status],
    ]
    const mediaTypes = Object.keys(resolveReference(document, response).content ?? {})
    if (mediaTypes.length === 0) return [{ declaration: `${operationId} ${status} nothing` }]
    return mediaTypes.map((mediaType) => ({
      declaration: `${operationId} ${status} ${mediaType}`,
      pointer: [...place, 'content', mediaType, 'schema'],
    }))
  })
}

function codeOf(compiled: string, responses: Record<string, string>): string {
  const functions = compiled
    .replace('"use strict";', '')
    .replaceAll('export const body', 'const body')
  const rows = Object.entries(responses).map(([key, name]) => `  ${JSON.stringify(key)}: ${name},`)
  return `// Made from openapi.yaml by \`npm run generate\`.
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
${functions}
const isNothing = (body) => body === undefined
export const responseBodies = {
${rows.join('\n')}
}
`
}

const types = `// Made from openapi.yaml by \`npm run generate\`.
export type Validator = ((body: unknown) => boolean) & { errors?: readonly { instancePath: string; keyword: string }[] | null }
/** By operationId, status, and media type or \`nothing\`. */
export declare const responseBodies: Readonly<Record<string, Validator>>
`
