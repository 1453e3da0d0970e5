import type { DocumentedParameter } from '../contract.js'
import { ServiceError } from '../errors.js'
import { isDateTime } from '../runtime/date-time.js'

type Schema = DocumentedParameter['schema'] & Readonly<{ minimum?: number; maximum?: number }>

/** The text of an integer in JSON, without an exponent. */
const integerText = /^-?(?:0|[1-9][0-9]*)$/

/**
 * Makes the check of what koa-openapi lets through: koa-openapi takes `0x10`, `2.5`, `+5` and
 * blanks for integers, and a date-time without an offset. It joins the values of a parameter that
 * is sent twice, and ignores an unknown parameter. An operation without query parameters ignores
 * unknown ones on purpose, because health checks and caches add their own.
 */
export function strictQueryCheck(
  operationId: string,
  parameters: readonly DocumentedParameter[],
): (querystring: string) => void {
  for (const { name, in: place, schema } of parameters)
    if (place !== 'query' && textFormOf(schema) !== undefined)
      throw new Error(`${operationId}: ${name} in ${place} would not be checked strictly`)
  const known = schemasOf(parameters)
  const isValid = (name: string, text: string) => {
    const schema = known.get(name)
    return schema === undefined ? known.size === 0 : (textFormOf(schema)?.(text) ?? true)
  }
  return (querystring) => {
    const given = new URLSearchParams(querystring)
    if (new Set(given.keys()).size < given.size) throw badParameter(parameters, undefined)
    for (const [name, text] of given) if (!isValid(name, text)) throw badParameter(parameters, name)
  }
}

const schemasOf = (parameters: readonly DocumentedParameter[]) =>
  new Map(parameters.filter((one) => one.in === 'query').map(({ name, schema }) => [name, schema]))

/** The check of a text for a schema whose coercion or format in koa-openapi is too lax. */
function textFormOf({ type, format }: Schema): ((text: string) => boolean) | undefined {
  if (type === 'integer') return (text) => integerText.test(text)
  return format === 'date-time' ? isDateTime : undefined
}

/**
 * The refusal of a query. Where the operation has parameters it names the wrong one, but nothing
 * that the client has sent.
 *
 * @param name of the wrong parameter; `undefined` for one that is sent twice
 */
export function badParameter(
  parameters: readonly DocumentedParameter[],
  name: string | undefined,
): ServiceError {
  const known = schemasOf(parameters)
  if (known.size === 0) return new ServiceError('bad_request', { reason: 'body' })
  const schema = known.get(name ?? '')
  const others = name === undefined ? 'no parameter may come twice' : 'there is no such parameter'
  const fault =
    name === undefined || schema === undefined
      ? { path: 'query', rule: `${others}; the parameters are ${[...known.keys()].join(', ')}` }
      : { path: `query.${name}`, rule: `must be ${expectationOf(schema)}` }
  return new ServiceError('bad_request', { reason: 'body', details: [fault] })
}

function expectationOf({ type, format, minimum, maximum }: Schema): string {
  if (type === 'integer') return `an integer from ${minimum} to ${maximum}`
  return format === 'date-time'
    ? 'a time of RFC 3339 with its offset, such as 2026-11-26T12:00:00Z; in a query a plus sign is written %2B'
    : 'as the contract says'
}
