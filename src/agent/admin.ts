import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AgentMetrics } from '../telemetry/agent-metrics.js'
import type { Guard } from '../guard/types.js'
import { send, type AgentAnswer } from './answer.js'
import type { Introspect } from './introspection.js'

export type AdminParts = Readonly<{
  guard: Pick<Guard, 'ready'>
  metrics: Pick<AgentMetrics, 'text' | 'contentType'>
  /** Absent: introspection is not served. */
  introspect: Introspect | undefined
}>

type Route = Readonly<{
  methods: readonly string[]
  answer: (request: IncomingMessage) => Promise<AgentAnswer>
}>

const reads = ['GET', 'HEAD']

/** Health, metrics and introspection, on an address of their own. */
export function createAdminListener(parts: AdminParts): RequestListener {
  const { introspect } = parts
  const routes = new Map<string, Route>([
    ['/health/live', { methods: reads, answer: async () => ok({ status: 'live' }) }],
    ['/health/ready', { methods: reads, answer: () => readiness(parts.guard) }],
    ['/metrics', { methods: reads, answer: () => metricsOf(parts.metrics) }],
  ])
  if (introspect) routes.set('/oauth/introspect', { methods: ['POST'], answer: introspect })
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    void respond(routes.get(path), request, response)
  }
}

async function respond(
  route: Route | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (route === undefined) return send(response, { status: 404, body: { error: 'not_found' } })
  if (!route.methods.includes(request.method ?? '')) {
    const headers = { Allow: route.methods.join(', ') }
    return send(response, { status: 405, headers, body: { error: 'method_not_allowed' } })
  }
  try {
    send(response, await route.answer(request))
  } catch {
    send(response, { status: 503, body: { error: 'temporarily_unavailable' } })
  }
}

const ok = (body: object): AgentAnswer => ({ status: 200, body })

/** Only the log has the reason, because the message of an error may name hosts. */
const readiness = (guard: Pick<Guard, 'ready'>): Promise<AgentAnswer> =>
  guard.ready(0).then(
    () => ok({ status: 'ready' }),
    () => ({ status: 503, headers: { 'Retry-After': '1' }, body: { status: 'not_ready' } }),
  )

async function metricsOf({ text, contentType }: AdminParts['metrics']): Promise<AgentAnswer> {
  return { status: 200, headers: { 'Content-Type': contentType }, body: await text() }
}
