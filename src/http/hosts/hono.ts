import type { IncomingMessage, ServerResponse } from 'node:http'
import { answered, requireHosted, withoutMount, type Hosted } from './answered.js'
import { isBodyRead, type HostedRequest } from './body.js'

type HonoContext = {
  env: unknown
  req: {
    /** The pattern of the route, such as `/auth/*`. */
    routePath?: string
    header(name: string): string | undefined
    text(): Promise<string>
    formData(): Promise<FormData>
  }
}

type NodeBindings = { incoming?: IncomingMessage; outgoing?: ServerResponse }

/**
 * Hono middleware that answers the service's paths under `@hono/node-server`; with
 * `app.use('/auth/*', honoHandler(cierre))` those below `/auth`. A body that the app has read is
 * taken from what Hono keeps of it.
 *
 * @throws TypeError for anything but what `createCierre` returned; (the middleware) Error under
 * another server, which has no Node request to answer
 */
export function honoHandler(cierre: Hosted) {
  requireHosted('honoHandler', cierre)
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const { incoming, outgoing } = (c.env ?? {}) as NodeBindings
    if (incoming === undefined || outgoing === undefined)
      throw new Error('honoHandler needs the server of @hono/node-server')
    await keepBody(c, incoming)
    const mount = mountOf(c.req.routePath ?? '', incoming.url ?? '')
    // The pattern of the route may also be a path of the service, such as `/oauth/*`.
    for (const path of new Set(['', mount])) {
      const putBack = withoutMount(incoming, path)
      if (putBack === undefined) continue
      if (await answered(cierre, incoming, outgoing)) return sentAlready(outgoing)
      putBack()
    }
    await next()
    return undefined
  }
}

/** The part of a path that a pattern such as `/:tenant/auth/*` matches before its `/*`. */
function mountOf(pattern: string, url: string): string {
  const segments = pattern.replace(/\/?\*?$/, '').split('/').length
  return (url.split('?', 1)[0] ?? '').split('/').slice(0, segments).join('/')
}

async function keepBody({ req }: HonoContext, incoming: HostedRequest): Promise<void> {
  if (!isBodyRead(incoming)) return
  const isForm = req.header('content-type')?.startsWith('application/x-www-form-urlencoded')
  try {
    incoming.body = isForm ? formText(await req.formData()) : await req.text()
  } catch {
    // The body was read without Hono, which has kept nothing of it. `bodyLeft` reports that.
  }
}

const formText = (form: FormData): string =>
  new URLSearchParams(
    [...form].map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : value.name,
    ]),
  ).toString()

/**
 * Tells `@hono/node-server` to leave the response alone. That server replaces Node's `Response` by
 * a class of its own, and sends such a response whatever its header says; a clone is of Node's
 * class.
 */
const sentAlready = ({ statusCode: status }: ServerResponse) =>
  new Response(null, { status, headers: { 'x-hono-already-sent': 'true' } }).clone()
