// Makes generated/collection.json, a collection of requests for Postman, Bruno and other programs
// that read the Postman format 2.1.
import {
  documentedOperations,
  type ContractDocument,
  type DocumentedOperation,
} from '../src/contract.js'

type Example = Readonly<{ value: unknown }>
type Parameter = Readonly<{
  name: string
  in: string
  description?: string
  required?: boolean
  example?: unknown
  schema: Readonly<{ default?: unknown }>
}>
type Operation = Omit<DocumentedOperation, 'parameters' | 'requestBody'> &
  Readonly<{
    tags: readonly [string]
    summary: string
    security?: readonly Readonly<Record<string, unknown>>[]
    parameters?: readonly Parameter[]
    requestBody?: {
      content: Readonly<Record<string, { examples: Readonly<Record<string, Example>> }>>
    }
  }>

const format = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'
const variables = { baseUrl: 'http://127.0.0.1:3000', token: '', clientId: '', clientSecret: '' }
const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }))

/** One folder for each tag, one request for each operation, with the first example of its body. */
export function collectionOf(document: ContractDocument): object {
  const operations = documentedOperations(document) as unknown as Operation[]
  const tags = [...new Set(operations.map(({ tags: [tag] }) => tag))]
  return {
    info: {
      name: 'cierre',
      description:
        'Set `token` to an access token, and `clientId` and `clientSecret` to a machine client.',
      schema: format,
    },
    variable: pairs(variables),
    item: tags.map((tag) => ({
      name: tag,
      item: operations.filter(({ tags: [one] }) => one === tag).map(requestOf),
    })),
  }
}

function requestOf(operation: Operation): object {
  const { operationId, summary, method } = operation
  const body = bodyOf(operation)
  return {
    name: operationId,
    request: {
      method: method.toUpperCase(),
      description: summary,
      auth: authOf(operation),
      header: body?.header ?? [],
      url: urlOf(operation),
      ...(body && { body: body.content }),
    },
  }
}

function authOf({ security = [] }: Operation): object {
  const names = security.flatMap((one) => Object.keys(one))
  if (names.includes('bearer')) return { type: 'bearer', bearer: pairs({ token: '{{token}}' }) }
  if (!names.includes('clientBasic')) return { type: 'noauth' }
  const basic = pairs({ username: '{{clientId}}', password: '{{clientSecret}}' })
  return { type: 'basic', basic }
}

/** A filter is there, but turned off. */
function urlOf({ path, parameters = [] }: Operation): object {
  const listed = (place: string) =>
    parameters
      .filter((one) => one.in === place)
      .map(({ name, description = '', required = false, example = '', schema }) => ({
        key: name,
        value: String(example),
        description,
        ...(place === 'query' && !required && schema.default === undefined && { disabled: true }),
      }))
  const names = path.slice(1).replace(/\{(\w+)\}/g, ':$1')
  return {
    raw: `{{baseUrl}}/${names}`,
    host: ['{{baseUrl}}'],
    path: names.split('/'),
    query: listed('query'),
    variable: listed('path'),
  }
}

function bodyOf({ requestBody }: Operation) {
  const [[mediaType, { examples }] = ['', { examples: {} }]] = Object.entries(
    requestBody?.content ?? {},
  )
  const [example] = Object.values(examples)
  if (example === undefined) return undefined
  const header = pairs({ 'Content-Type': mediaType })
  const value = withVariable(example.value as Readonly<Record<string, string>>)
  return mediaType === 'application/json'
    ? { header, content: { mode: 'raw', raw: JSON.stringify(value, null, 2) } }
    : { header, content: { mode: 'urlencoded', urlencoded: pairs(value) } }
}

/** Puts the variable in the place of the token of the examples. */
const withVariable = (body: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, /^ey/.test(value) ? '{{token}}' : value]),
  )
