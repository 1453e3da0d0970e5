import type { ServerResponse } from 'node:http'
import type { HostedRequest } from './body.js'
import type { Handler } from './handler.js'

/** What `createCierre` returns, as far as the adapters need it. */
export type Hosted = Readonly<{ handler: Handler }>

/** @throws TypeError for what is no `Hosted`, such as its guard */
export function requireHosted(adapter: string, given: Hosted | undefined): Hosted {
  if (typeof given?.handler === 'function') return given
  throw new TypeError(`${adapter} needs what createCierre returned`)
}

/**
 * Gives a request to the handler.
 *
 * @returns `true` once the answer is sent or the connection is closed; `false` when the caller has
 * to answer
 */
export const answered = (
  { handler }: Hosted,
  request: HostedRequest,
  response: ServerResponse,
): Promise<boolean> =>
  new Promise((resolve) => {
    const end = () => resolve(true)
    response.once('close', end)
    handler(request, response, () => {
      response.off('close', end)
      resolve(false)
    })
    // The client may have left already. Its request is carried out all the same.
    if (response.closed) end()
  })

/**
 * Removes the path that an app is mounted at from `request.url`, as Express does, and keeps the
 * whole in `originalUrl`.
 *
 * @returns a function that puts the path back; `undefined` when the request is not below it
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
