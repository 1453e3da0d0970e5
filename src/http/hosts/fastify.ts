import type { IncomingMessage, ServerResponse } from 'node:http'
import { requireHosted, withoutMount, type Hosted } from './answered.js'

type FastifyInstance = {
  readonly prefix: string
  addHook(
    name: 'onRequest',
    hook: (
      request: { raw: IncomingMessage },
      reply: { raw: ServerResponse; hijack(): unknown },
      done: () => void,
    ) => void,
  ): unknown
}

/**
 * Fastify plugin that answers the service's paths in an `onRequest` hook, before Fastify reads a
 * body; with the option `prefix` below that path. Register it before contexts whose requests it
 * should see, and before hooks that would refuse its requests.
 *
 * @throws TypeError for anything but what `createCierre` returned
 */
export function fastifyPlugin(cierre: Hosted) {
  const { handler } = requireHosted('fastifyPlugin', cierre)
  const plugin = (
    instance: FastifyInstance,
    { prefix = '' }: Readonly<{ prefix?: string }>,
    done: () => void,
  ): void => {
    const mount = instance.prefix + prefix.replace(/\/$/, '')
    instance.addHook('onRequest', ({ raw }, reply, next) => {
      const putBack = withoutMount(raw, mount)
      if (putBack === undefined) return next()
      let isOwn = true
      handler(raw, reply.raw, () => (isOwn = false))
      if (isOwn) return void reply.hijack()
      putBack()
      next()
    })
    done()
  }
  // The hook is for the whole app, not for the routes of this plugin alone.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'cierre',
  })
}
