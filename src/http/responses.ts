import { Readable } from 'node:stream'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { default as formatsModule } from 'ajv-formats'
import { documentedOperations, type ContractDocument, type MediaTypes } from '../contract.js'
import type { OperationId } from '../operations/operation.js'
import type { Outgoing } from './failures.js'

/** Says what is wrong with an answer by the contract, or nothing. The text names places, never values. */
export type ResponseCheck = (operationId: OperationId, answer: Outgoing) => string | undefined

/** Compiles the schema of every response of every operation; formats are checked too. */
export function createResponseCheck(document: ContractDocument): ResponseCheck {
  const ajv = new Ajv2020({ strict: false, validateFormats: true })
  formatsModule.default(ajv)
  ajv.addSchema(document, 'contract')
  const validators = new Map<string, Pick<ValidateFunction, 'errors'> & ((body: unknown) => boolean | Promise<unknown>)>()
  for (const { path, method, operationId, responses } of documentedOperations(document)) {
    for (const [status, response] of Object.entries(responses)) {
      const at = response.$ref ?? `#/${['paths', path, method, 'responses', status].map(pointer).join('/')}`
      const content = (response.$ref === undefined ? response : resolve(document, response.$ref)).content ?? {}
      if (Object.keys(content).length === 0) validators.set(`${operationId} ${status} nothing`, isNothing)
      for (const mediaType of Object.keys(content)) {
        const validate = ajv.compile({ $ref: `contract${at}/content/${pointer(mediaType)}/schema` })
        validators.set(`${operationId} ${status} ${mediaType}`, validate)
      }
    }
  }
  return (operationId, { status, body, headers }) => {
    const mediaType = body === undefined ? 'nothing' : mediaTypeOf(headers)
    const validate = validators.get(`${operationId} ${status} ${mediaType}`)
    if (validate === undefined) return `${operationId} does not declare ${status} with ${mediaType}`
    if (body instanceof Readable || validate(body)) return undefined
    return validate.errors?.map(({ instancePath, keyword }) => `${instancePath || '/'} ${keyword}`).join('; ') ?? 'invalid'
  }
}

const isNothing = Object.assign((body: unknown) => body === undefined, { errors: null })

const pointer = (name: string) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))

function resolve(document: ContractDocument, ref: string): { content?: MediaTypes } {
  const [, , kind = '', name = ''] = ref.split('/')
  const components: Record<string, Record<string, { content?: MediaTypes }>> = document.components
  return components[kind]?.[name] ?? {}
}

function mediaTypeOf(headers: Outgoing['headers']): string {
  const type = headers?.['Content-Type']
  return typeof type === 'string' ? (type.split(';')[0] ?? '') : 'application/json'
}
