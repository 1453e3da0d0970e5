import type { DocumentedParameter } from '../contract.js'
import type { RequestFault } from '../errors.js'
import { isDateTime } from '../runtime/date-time.js'
import { queryFault } from './request-faults.js'

/** The text of an integer in JSON, without an exponent. */
const integerText = /^-?(?:0|[1-9][0-9]*)$/

/**
 * Makes the check of what koa-openapi lets through: koa-openapi takes `0x10`, `2.5`, `+5` and
 * blanks for integers, and a date-time without an offset. It joins the values of a parameter that
 * is sent twice, and ignores an unknown parameter. An operation without query parameters ignores
 * unknown ones on purpose, because health checks and caches add their own.
 *
 * @returns (the function) what is wrong with a query; `undefined` when nothing is
 */
export function strictQueryCheck(
  operationId: string,
  parameters: readonly DocumentedParameter[],
): (querystring: string) => RequestFault | undefined {
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
    if (new Set(given.keys()).size < given.size) return queryFault(parameters, undefined)
    const [wrong] = [...given].find(([name, text]) => !isValid(name, text)) ?? []
    return wrong === undefined ? undefined : queryFault(parameters, wrong)
  }
}

const schemasOf = (parameters: readonly DocumentedParameter[]) =>
  new Map(parameters.filter((one) => one.in === 'query').map(({ name, schema }) => [name, schema]))

/** The check of a text for a schema whose coercion or format in koa-openapi is too lax. */
function textFormOf({
  type,
  format,
}: DocumentedParameter['schema']): ((text: string) => boolean) | undefined {
  if (type === 'integer') return (text) => integerText.test(text)
  return format === 'date-time' ? isDateTime : undefined
}
