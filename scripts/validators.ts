import { Ajv2020 } from 'ajv/dist/2020.js'
import standaloneModule from 'ajv/dist/standalone/index.js'
import { default as formatsModule } from 'ajv-formats'
import { documentedOperations, type ContractDocument, type MediaTypes } from '../src/contract.js'

/**
 * Code that validates every request body and every response body of the contract. It is compiled
 * ahead, because compiling it at start would take a second.
 */
export function makeValidators(document: ContractDocument): { code: string; types: string } {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    code: { source: true, esm: true, lines: true },
  })
  formatsModule.default(ajv)
  ajv.addSchema(document, 'contract')
  const names = new Map<string, string>()
  const nameOf = (pointers: readonly string[]) => {
    const $ref = `contract#/${pointers.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
    const name = names.get($ref) ?? `body${names.size}`
    if (!names.has($ref)) ajv.addSchema({ $id: name, $ref })
    names.set($ref, name)
    return name
  }
  const tables = bodyTables(document, nameOf)
  const compiled = standaloneModule.default(
    ajv,
    Object.fromEntries([...names.values()].map((name) => [name, name])),
  )
  return { code: moduleOf(compiled, tables), types: typesOfModule }
}

type BodyTable = Record<string, string>
type BodyTables = { requests: BodyTable; responses: BodyTable }

/** The name of the validator of each body, by operationId, status and media type. */
function bodyTables(
  document: ContractDocument,
  nameOf: (pointers: readonly string[]) => string,
): BodyTables {
  const requests: BodyTable = {}
  const responses: BodyTable = {}
  for (const operation of documentedOperations(document)) {
    const { path, method, operationId, requestBody, responses: declared } = operation
    const place = ['paths', path, method]
    for (const mediaType of Object.keys(requestBody?.content ?? {})) {
      const schema = [...place, 'requestBody', 'content', mediaType, 'schema']
      requests[`${operationId} ${mediaType}`] = nameOf(schema)
    }
    for (const [status, response] of Object.entries(declared)) {
      const at = response.$ref?.split('/').slice(1) ?? [...place, 'responses', status]
      const content = (response.$ref === undefined ? response : resolve(document, at)).content ?? {}
      const mediaTypes = Object.keys(content)
      if (mediaTypes.length === 0) responses[`${operationId} ${status} nothing`] = 'isNothing'
      for (const mediaType of mediaTypes) {
        const schema = [...at, 'content', mediaType, 'schema']
        responses[`${operationId} ${status} ${mediaType}`] = nameOf(schema)
      }
    }
  }
  return { requests, responses }
}

/** ajv's module with the tables behind it. */
function moduleOf(compiled: string, { requests, responses }: BodyTables): string {
  const table = (name: string, entries: BodyTable) =>
    `export const ${name} = {\n${Object.entries(entries)
      .map(([key, value]) => `  ${JSON.stringify(key)}: ${value},`)
      .join('\n')}\n}\n`
  return `// Made from openapi.yaml by \`npm run generate\`.
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
${sparingCounts(compiled.replace('"use strict";', '').replaceAll('export const body', 'const body'))}
const isNothing = (body) => body === undefined
${table('requestBodies', requests)}${table('responseBodies', responses)}`
}

const typesOfModule = `// Made from openapi.yaml by \`npm run generate\`.
export type Validator = ((body: unknown) => boolean) & { errors?: readonly { instancePath: string; keyword: string }[] | null }
/** By operationId and media type. */
export declare const requestBodies: Readonly<Record<string, Validator>>
/** By operationId, status, and media type or \`nothing\`. */
export declare const responseBodies: Readonly<Record<string, Validator>>
`

// ajv counts characters for `minLength`. A text has at least half as many characters as code units,
// so most texts need no count.
const sparingCounts = (code: string) =>
  code.replace(
    /\b(func\d+)\((\w+)\) < (\d+)/g,
    (counted, _count, text, least) => `${text}.length < ${2 * Number(least)} && ${counted}`,
  )

function resolve(
  document: ContractDocument,
  [, kind = '', name = '']: readonly string[],
): { content?: MediaTypes } {
  const components: Record<string, Record<string, { content?: MediaTypes }>> = document.components
  return components[kind]?.[name] ?? {}
}
