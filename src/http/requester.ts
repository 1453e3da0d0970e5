import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { ClientAddresses } from './client-addresses.js'
import type { Middleware } from './context.js'

const validRequestId = /^[A-Za-z0-9._-]{1,64}$/

/** Middleware: creates the state of a request, with its requester and its request id. */
export function identifyRequester(
  addresses: ClientAddresses,
  log: Pick<Logger, 'warn'>,
): Middleware {
  let hasWarned = false
  return (ctx, next) => {
    const { headers, rawHeaders } = ctx.req
    const given = headers['x-request-id']
    const isValid = typeof given === 'string' && validRequestId.test(given)
    ctx.state = {
      requester: {
        requestId: isValid ? given : randomUUID(),
        address: addresses.of(ctx.req),
        userAgent: headers['user-agent'] || undefined,
        isRecorded: false,
      },
      secure: addresses.isSecure(ctx.req),
      authorization: authorizationLines(rawHeaders),
      path: '',
      operation: undefined,
      answer: undefined,
      limitHeaders: undefined,
    }
    if (!hasWarned && addresses.hasIgnoredHeaders(ctx.req)) {
      hasWarned = true
      log.warn(
        'requests carry X-Forwarded-For or X-Forwarded-Proto, which is ignored until TRUST_PROXY names the proxy',
      )
    }
    return next()
  }
}

/** Reads the raw lines, because `headers` has only the first `Authorization` line. */
function authorizationLines(rawHeaders: readonly string[]): string[] {
  const lines: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 13 && name.toLowerCase() === 'authorization')
      lines.push(rawHeaders[index + 1] ?? '')
  }
  return lines
}
