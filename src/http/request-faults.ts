import type { DocumentedParameter } from '../contract.js'
import { ServiceError, type RequestFault } from '../errors.js'

/** What the contract says of one parameter, or of one member of a body. */
export type ValueSchema = DocumentedParameter['schema'] &
  Readonly<{
    minimum?: number
    maximum?: number
    minLength?: number
    pattern?: string
    enum?: readonly (string | null)[]
    oneOf?: readonly ValueSchema[]
    /** Of an object. */
    properties?: Readonly<Record<string, ValueSchema>>
  }>

/** One form of a request body. Of several forms the first required member says which one it is. */
export type BodyForm = Readonly<{
  required: readonly string[]
  properties: Readonly<Record<string, ValueSchema>>
}>

/** What an operation takes, so that the refusal of a request can say what is wrong. */
export type Described = Readonly<{
  parameters: readonly DocumentedParameter[]
  bodyForms: readonly BodyForm[]
  /** Whether the contract gives its 400 the member `details`. */
  hasDetails: boolean
}>

/** A finding of koa-openapi's `openapi-request-validator`. */
export type Violation = { location?: string; path?: string; errorCode?: string }

/** A request that is refused before its operation gets it. */
export class BadRequest extends Error {
  constructor(readonly faults: readonly RequestFault[]) {
    super('bad request')
  }
}

/**
 * The refusal of a request. It names what is wrong where the operation has `details`, but nothing
 * that the client has sent.
 *
 * @param isAuthenticated whether the request comes from a machine client, which is told the reason
 */
export function badRequest(
  operation: Pick<Described, 'hasDetails'> | undefined,
  details: readonly RequestFault[],
  isAuthenticated: boolean,
): ServiceError {
  const isTold = operation?.hasDetails === true && details.length > 0
  return new ServiceError('bad_request', {
    reason: isAuthenticated ? 'invalid_member' : 'body',
    ...(isTold && { details }),
  })
}

/** @param name of the wrong parameter; `undefined` for one that is sent twice */
export function queryFault(
  parameters: readonly DocumentedParameter[],
  name: string | undefined,
): RequestFault {
  const known = parameters.filter((one) => one.in === 'query')
  const schema = known.find((one) => one.name === name)?.schema
  if (name !== undefined && schema !== undefined) return wrongValue(`query.${name}`, schema)
  const names = known.map((one) => one.name).join(', ')
  const rule = name === undefined ? 'no parameter may come twice' : 'there is no such parameter'
  return { path: 'query', rule: `${rule}; the parameters are ${names || 'none'}` }
}

/** What is wrong with a request that koa-openapi has refused; without violations its body is no JSON. */
export function faultsOf(
  { parameters = [], bodyForms = [] }: Partial<Described> = {},
  violations: readonly Violation[],
  body: unknown,
): RequestFault[] {
  const [query] = violations.filter(({ location }) => location === 'query')
  if (query !== undefined) return [queryFault(parameters, query.path)]
  const places = { path: 'path', headers: 'header' } as const
  const others = parameters.filter(({ name, in: place }) =>
    violations.some(
      (one) =>
        places[one.location as keyof typeof places] === place &&
        one.path?.toLowerCase() === name.toLowerCase(),
    ),
  )
  if (others.length > 0)
    return others.map(({ name, in: place, schema }) => wrongValue(`${place}.${name}`, schema))
  const wrong = violations.filter(({ location }) => location === 'body').map(({ path }) => path)
  return bodyForms.length === 0 ? [] : bodyFaults(bodyForms, body, new Set(wrong))
}

function bodyFaults(
  forms: readonly BodyForm[],
  body: unknown,
  wrong: ReadonlySet<string | undefined>,
): RequestFault[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return [{ path: 'body', rule: 'must be a JSON object' }]
  const has = (name: string) => Object.hasOwn(body, name)
  const named =
    forms.length === 1 ? forms : forms.filter(({ required: [first = ''] }) => has(first))
  const [form] = named
  if (form === undefined || named.length > 1) {
    const rule = `must have ${form === undefined ? 'one' : 'only one'} of`
    return [
      { path: 'body', rule: `${rule} ${forms.map(({ required: [name] }) => name).join(', ')}` },
    ]
  }
  const names = Object.keys(form.properties)
  const isUnknown = Object.keys(body).some((name) => !names.includes(name))
  return [
    ...(isUnknown
      ? [{ path: 'body', rule: `there is no such member; the members are ${names.join(', ')}` }]
      : []),
    ...form.required
      .filter((name) => !has(name))
      .map((name) => ({ path: `body.${name}`, rule: 'is needed' })),
    ...Object.entries(form.properties)
      .filter(([name]) => has(name))
      .flatMap(([name, schema]) =>
        valueFaults(name, schema, wrong, body[name as keyof typeof body]),
      ),
  ]
}

/** What is wrong with a member, or with the members of an object. */
function valueFaults(
  name: string,
  schema: ValueSchema,
  wrong: ReadonlySet<string | undefined>,
  value: unknown,
): RequestFault[] {
  if (wrong.has(name)) return [wrongValue(`body.${name}`, schema)]
  return Object.entries(schema.properties ?? {})
    .filter(([member]) => wrong.has(`${name}.${member}`))
    .map(([member, of]) =>
      Object.hasOwn(value as object, member)
        ? wrongValue(`body.${name}.${member}`, of)
        : { path: `body.${name}.${member}`, rule: 'is needed' },
    )
}

const wrongValue = (path: string, schema: ValueSchema): RequestFault => ({
  path,
  rule: `must be ${expectationOf(schema)}`,
  ...(schema.enum && { values: schema.enum.filter((value) => value !== null) }),
})

function expectationOf(schema: ValueSchema): string {
  const { type, format, minimum = 0, maximum, pattern } = schema
  if (schema.oneOf !== undefined) return schema.oneOf.map(expectationOf).join(' or ')
  if (schema.enum !== undefined) return 'one of the values'
  if (type === 'integer' || type === 'number')
    return `${type === 'integer' ? 'an integer' : 'a number'} from ${minimum}${maximum === undefined ? '' : ` to ${maximum}`}`
  if (format === 'date-time')
    return 'a time of RFC 3339 with its offset, such as 2026-11-26T12:00:00Z; in a query a plus sign is written %2B'
  if (pattern !== undefined) return `a text of the form ${pattern}`
  if (type === 'string')
    return schema.minLength === undefined ? 'a text' : 'a text that is not empty'
  if (type === 'object') return 'a JSON object'
  return type === 'null' ? 'null' : 'as the contract says'
}
