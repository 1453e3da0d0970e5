import type { IncomingHttpHeaders } from 'node:http'
import bodyParser from 'koa-bodyparser'
import { requestBodies, type Validator } from '../../generated/validators.js'
import { documentedOperations, type ContractDocument } from '../contract.js'
import { ServiceError } from '../errors.js'
import type { OperationId } from '../operations/operation.js'
import { nothingMore, type Middleware, type RequestState, type ServiceContext } from './routes.js'

// As a number: a text would be parsed again for each request.
const bodyLimit = (32 * 1024) as unknown as string

/** Reads the body of an operation that has one: by the media types of the contract, 32 KiB at most, never encoded. */
export function createBodyReader(
  document: ContractDocument,
): (ctx: ServiceContext, operationId: OperationId) => Promise<void> {
  const bodies = documentedBodies(document)
  const parse = bodyParser({
    enableTypes: ['json', 'form'],
    // What it is has been settled before.
    detectJSON: ({ req }) => req.headers['content-type'] === 'application/json',
    jsonLimit: bodyLimit,
    formLimit: bodyLimit,
    onerror(error, ctx) {
      if ((error as Error & { status?: number }).status === 413) {
        // What follows on this connection is the rest of the body.
        ctx.set('Connection', 'close')
        throw new ServiceError('body_too_large', { reason: 'body' })
      }
      // Without the cause: it quotes the body.
      throw unreadableBody((ctx.state as RequestState).operationId)
    },
  }) as unknown as Middleware
  return async (ctx, operationId) => {
    const accepted = bodies.get(operationId)
    if (accepted === undefined) return
    const { headers } = ctx.req
    const type =
      headers['content-type'] === 'application/json'
        ? 'application/json'
        : ctx.request.type.trim().toLowerCase()
    const isTyped = headers['content-type'] !== undefined || hasBody(headers)
    // koa-bodyparser would inflate what is encoded.
    if (headers['content-encoding'] !== undefined || (isTyped && !accepted.has(type))) {
      ctx.set('Connection', 'close')
      throw new ServiceError('unsupported_media_type', { reason: 'body' })
    }
    // Its parameters say nothing here.
    if (isTyped) headers['content-type'] = type
    await parse(ctx, nothingMore)
    if (type === formType)
      ctx.request.body = parseForm(
        typeof ctx.request.rawBody === 'string' ? ctx.request.rawBody : '',
      )
    const validate = type === '' ? accepted.values().next().value : accepted.get(type)
    if (validate !== undefined && !validate(ctx.request.body))
      throw faultOfBody(validate.errors ?? [], operationId)
  }
}

type Errors = NonNullable<Validator['errors']>

function faultOfBody(errors: Errors, operationId: OperationId): ServiceError {
  const isUnreadable = errors.some(
    ({ keyword, instancePath }) =>
      keyword !== 'additionalProperties' && (instancePath === '' || instancePath === '/token'),
  )
  return isUnreadable
    ? unreadableBody(operationId)
    : new ServiceError('bad_request', { reason: 'body' })
}

/** What a body that cannot be read, or does not name its token, is for an operation. */
const unreadableBody = (operationId: OperationId | undefined) =>
  new ServiceError(operationId === 'logout' ? 'invalid_token' : 'bad_request', { reason: 'body' })

const formType = 'application/x-www-form-urlencoded'

// qs would make objects of names in brackets, stop at a thousand members, and pass over names of Object.prototype.
function parseForm(text: string): Record<string, string> {
  const members = [...new URLSearchParams(text)]
  if (new Set(members.map(([name]) => name)).size < members.length)
    throw new ServiceError('bad_request', { reason: 'body' })
  return Object.fromEntries(members)
}

const hasBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** For each operation that has a body, what holds it against the contract, by media type. */
function documentedBodies(
  document: ContractDocument,
): Map<OperationId, Map<string, Validator | undefined>> {
  return new Map(
    documentedOperations(document).flatMap(({ operationId, requestBody }) =>
      requestBody === undefined
        ? []
        : [
            [
              operationId,
              new Map(
                Object.keys(requestBody.content).map((type) => [
                  type,
                  requestBodies[`${operationId} ${type}`],
                ]),
              ),
            ],
          ],
    ),
  )
}
