import type { IncomingMessage } from 'node:http'

/** A request of an app whose middleware may have read the body, and left it in `body`. */
export type HostedRequest = IncomingMessage & { body?: unknown }

/** Whether the app around has read the body, in whole or in part, before the request came here. */
export const isBodyRead = (request: IncomingMessage): boolean =>
  request.readableDidRead || request.readableEnded

/**
 * What the app has left of a body that it has read: the text, or the object that its parser made.
 *
 * @throws Error when it has left nothing
 */
export function bodyLeft({ body }: HostedRequest): string | object {
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8')
  if (typeof body === 'object' && body !== null) return body
  throw new Error(
    'the app has read the body of this request and left nothing in request.body: put cierre before what reads it, or use a parser that sets request.body',
  )
}
