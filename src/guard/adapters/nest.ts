import type { GuardError } from '../error.js'
import type { Guard } from '../types.js'
import type { ExpressRequest } from './express.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

/** The request and response of Express or Fastify. */
type NestRequest = Pick<ExpressRequest, 'claims'>
type NestResponse = { header(name: string, value: string): unknown }

type ExecutionContext = {
  getType(): string
  switchToHttp(): { getRequest(): NestRequest; getResponse(): NestResponse }
}

export type NestGuardOptions = AdapterOptions<NestRequest, NestResponse>

/** A `CanActivate` of Nest. */
export type NestGuard = { canActivate(context: ExecutionContext): Promise<boolean> }

/**
 * A guard of Nest, for `app.useGlobalGuards(…)`, `@UseGuards(…)` and the provider `APP_GUARD`; the
 * claims are in `request.claims`. A refusal sets its headers and throws an `UnauthorizedException`,
 * `ForbiddenException` or `ServiceUnavailableException`, which exception filters see. Its `cause`
 * is the GuardError. An error that `onRefused` throws takes its place. When `onRefused` returns,
 * the exception is thrown all the same, and Nest answers unless `onRefused` has answered.
 *
 * @throws TypeError with every fault of the options
 */
export function nestGuard(guard: Guard, options?: NestGuardOptions): NestGuard {
  const { check, onRefused } = createRequestCheck('nestGuard', guard, options)
  // Loaded here, so that the package does not depend on Nest. Without Nest the process ends.
  const nest = import('@nestjs/common')
  return {
    async canActivate(context) {
      if (context.getType() !== 'http')
        throw new TypeError(`nestGuard guards HTTP alone, not ${context.getType()}`)
      const http = context.switchToHttp()
      const [request, response] = [http.getRequest(), http.getResponse()]
      const { refusal, claims } = await check(request)
      if (refusal === undefined) {
        if (claims !== undefined) request.claims = claims
        return true
      }
      for (const [name, value] of Object.entries(refusal.headers)) response.header(name, value)
      await onRefused?.(refusal, request, response)
      throw exceptionOf(await nest, refusal)
    },
  }
}

function exceptionOf(nest: typeof import('@nestjs/common'), refusal: GuardError) {
  const options = { cause: refusal }
  switch (refusal.status) {
    case 401:
      return new nest.UnauthorizedException(refusal.body, options)
    case 403:
      return new nest.ForbiddenException(refusal.body, options)
    case 503:
      return new nest.ServiceUnavailableException(refusal.body, options)
  }
}
