import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import type { HostedRequest } from './body.js'
import type { Handler } from './handler.js'

/** What `createCierre` returns, as far as the adapters need it. */
export type Hosted = Readonly<{ handler: Handler }>

/**
 * Gives a request to the handler.
 *
 * @returns whether it was answered, once the answer is sent or its connection is closed; the caller
 * answers any other
 */
export const answered = (
  { handler }: Hosted,
  request: HostedRequest,
  response: ServerResponse,
): Promise<boolean> =>
  new Promise((resolve) => {
    // Also a response that was closed before.
    const forget = finished(response, () => resolve(true))
    handler(request, response, () => {
      forget()
      resolve(false)
    })
  })

/**
 * Takes the path that an app is mounted at off `request.url`, as Express does, and keeps the whole
 * in `originalUrl`.
 *
 * @returns a function that puts it back; `undefined` when the request is not below that path
 */
export function withoutMount(
  request: HostedRequest & { originalUrl?: string },
  mount: string,
): (() => void) | undefined {
  const { url = '', originalUrl } = request
  if (mount === '') return () => undefined
  if (!url.startsWith(`${mount}/`)) return undefined
  request.originalUrl = originalUrl ?? url
  request.url = url.slice(mount.length)
  return () => {
    request.url = url
    if (originalUrl === undefined) delete request.originalUrl
  }
}
