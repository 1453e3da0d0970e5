import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { ServiceError } from '../errors.js'
import { authorizationOf } from '../guard/adapters/request-headers.js'
import { GuardError } from '../guard/error.js'
import type { AgentMetrics } from '../telemetry/agent-metrics.js'
import { isoTime } from '../telemetry/log.js'
import { authFieldsOf } from '../token/auth-fields.js'
import type { Claims, Naming } from '../token/verification.js'
import { send, type AgentAnswer } from './answer.js'
import type { AgentGuard } from './guard.js'

export type CheckParts = AgentGuard &
  Readonly<{
    /** Only requests for this path, or for a path below it, are checks. Absent: all are. */
    prefix: string | undefined
    authClaims: readonly string[]
    name: Naming
    checked: AgentMetrics['checked']
    log: Pick<Logger, 'error'>
  }>

/**
 * Checks the bearer of each request: 200 with the `X-Auth-` fields of the contract's `verify`, 401
 * with a challenge, 503 with `Retry-After`.
 */
export function createCheckListener(parts: CheckParts): RequestListener {
  const { prefix } = parts
  const fieldsOf = rememberFields(parts)
  return (request, response) => {
    if (isBelow(prefix, request.url ?? '')) void answer(parts, fieldsOf, request, response)
    else send(response, { status: 404, body: { error: 'not_found' } })
  }
}

/** Compares the target as it was sent: the API behind may normalise paths in another way. */
const isBelow = (prefix: string | undefined, target: string) =>
  prefix === undefined ||
  target === prefix ||
  (target.startsWith(prefix) && ['/', '?'].includes(target.charAt(prefix.length)))

type FieldsOf = (claims: Claims) => readonly string[]

/** One token has one frozen claims object, so its fields are made once. */
function rememberFields({ authClaims, name }: Pick<CheckParts, 'authClaims' | 'name'>): FieldsOf {
  const remembered = new WeakMap<Claims, readonly string[]>()
  return (claims) => {
    const known = remembered.get(claims)
    if (known !== undefined) return known
    const fields = Object.entries(authFieldsOf({ claims, named: name(claims) }, authClaims)).flat()
    remembered.set(claims, fields)
    return fields
  }
}

async function answer(
  parts: CheckParts,
  fieldsOf: FieldsOf,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { guard, knowsUntilMs, checked } = parts
  try {
    const asOfMs = knowsUntilMs()
    const claims = await guard.check(authorizationOf(request))
    const asOf = asOfMs === undefined ? '' : isoTime(asOfMs)
    const fields = [...fieldsOf(claims), 'X-Auth-As-Of', asOf, ...emptyBody]
    checked(200, 'active')
    response.writeHead(200, fields).end()
  } catch (error) {
    const refusal = refusalOf(parts, error)
    checked(refusal.status, refusal.code)
    send(response, refusal)
  }
}

const emptyBody = ['Content-Length', '0', 'Cache-Control', 'no-store'] as const

/** An unexpected error means unknown, too: 503, and a line in the log. */
function refusalOf({ log }: CheckParts, error: unknown): AgentAnswer & { code: string } {
  if (!(error instanceof GuardError)) {
    const cause = error instanceof ServiceError ? error.cause : error
    log.error({ err: cause }, 'a check failed')
  }
  const { code, status, headers, body } =
    error instanceof GuardError ? error : new GuardError('unknown')
  return { code, status, headers, body }
}
