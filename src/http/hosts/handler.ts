import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { documentedOperations, type ContractDocument } from '../../contract.js'
import type { Operations } from '../../operations/operation.js'

/**
 * Answers requests for the service's paths. Any other request goes to `next`; without `next` it
 * gets 404. For `node:http`, Express and Connect, at the root or below a path that the framework
 * has removed from `request.url`.
 */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

/** The part of the contract whose paths `isServed` takes. */
export function partOf(
  document: ContractDocument,
  isServed: (path: string) => boolean,
): ContractDocument {
  const paths = Object.entries(document.paths).filter(([path]) => isServed(path))
  return { ...document, paths: Object.fromEntries(paths) }
}

export const createHandler = (
  respond: RequestListener,
  isOwn: (path: string) => boolean,
): Handler => {
  return (request, response, next) => {
    if (next === undefined || isOwn(pathOf(request.url ?? ''))) void respond(request, response)
    else next()
  }
}

/** Whether a document has a path, under any method. A check has every path below its own, too. */
export function pathsOf(
  document: ContractDocument,
  operations: Operations,
): (path: string) => boolean {
  const patterns = documentedOperations(document).map(({ path, operationId }) =>
    patternOf(path, operations[operationId].isCheck === true),
  )
  const pattern = new RegExp(`^(?:${patterns.join('|')})$`)
  return (path) => pattern.test(path)
}

const patternOf = (path: string, isCheck: boolean) =>
  path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+') + (isCheck ? '(?:/.*)?' : '')

/** The path of a request target, also of one in absolute form (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target.split('?', 1)[0] ?? ''
  return URL.canParse(target) ? new URL(target).pathname : ''
}
