import type { RequestFault } from '../errors.js'
import { requestWithin, textOf } from '../runtime/http-client.js'
import { plain } from './event-text.js'
import { authorizationOf, failureOf, requestTimeoutMs, urlOf, type Io } from './io.js'

/** The service refuses the request, and would refuse a repeat, too. */
export class Refused extends Error {}

export type ServiceOptions = { url?: string; clientId?: string }

export type ServiceRequest = Readonly<{
  path: string
  query?: Record<string, string>
  /** Sent by POST. */
  body?: object
  /** A member of the body of a 200; another server's answer does not have it. */
  expected: string
  timeoutMs?: number
}>

/** The body of a 200, and its time by the clock of the service, which may differ from ours. */
export type Done<Body> = Readonly<{ body: Body; dateMs: number }>

/** Sends a request as a machine client. */
export type Send = <Body>(request: ServiceRequest) => Promise<Done<Body>>

/**
 * Sends requests to the service. A request throws `Refused`, or an `Error` if it is unknown what
 * the service did and a repeat may succeed.
 *
 * @param permission what the client needs
 * @throws Error without credentials
 */
export function serviceRequests(io: Io, options: ServiceOptions, permission: string): Send {
  const origin = urlOf(io, options)
  const authorize = authorizationOf(io, options)
  return async <Body>(request: ServiceRequest) => {
    const { status, headers, text } = await send(origin, await authorize(), request)
    const body = objectOf(text)
    const reason = headers.get('x-error-reason') ?? undefined
    if (status === 200 && request.expected in body)
      return { body: body as Body, dateMs: Date.parse(headers.get('date') ?? '') || Date.now() }
    const refusal =
      body['success'] === false && (faultsOf(body) ?? refusalText(status, reason, permission))
    if (refusal) throw new Refused(`the service answered ${status}: ${refusal}`)
    throw new Error(
      status < 500 ? `another server answers at ${origin}` : `the service answered ${status}`,
    )
  }
}

const send = (
  origin: string,
  authorization: string,
  { path, query, body, timeoutMs }: ServiceRequest,
) => {
  const url = new URL(path, origin)
  url.search = new URLSearchParams(query).toString()
  const posted = body && {
    method: 'POST',
    body: JSON.stringify(body),
  }
  return requestWithin(
    timeoutMs ?? requestTimeoutMs,
    url,
    {
      ...posted,
      headers: {
        Authorization: authorization,
        ...(posted && { 'Content-Type': 'application/json' }),
      },
    },
    async (answer) => ({
      status: answer.status,
      headers: answer.headers,
      text: await textOf(answer),
    }),
  ).catch((cause: unknown) => {
    throw new Error(`no answer from ${origin} (${failureOf(cause)})`, { cause })
  })
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** What the service says is wrong with the request; absent where it says nothing. */
function faultsOf({ details }: Readonly<Record<string, unknown>>): string | undefined {
  if (!Array.isArray(details)) return undefined
  const faults = details as readonly Partial<RequestFault>[]
  return faults.map(({ path, rule }) => plain(`${path} ${rule}`)).join('; ')
}

/** Absent for a status by which the service does not refuse. */
function refusalText(
  status: number,
  reason: string | undefined,
  permission: string,
): string | undefined {
  if (reason === 'other_audience')
    return 'the client is limited to audiences, and may not ask about everything'
  const texts: Record<number, string> = {
    400: 'the service does not understand this',
    401: 'the client is not known, or its secret is wrong',
    403: `the client needs the permission ${permission}`,
    404: 'it is of an older version, which cannot do this',
    429: 'too many failed attempts from this address; wait a minute',
  }
  return texts[status]
}
