import type { IncomingMessage } from 'node:http'
import { createFaults, oneOf, optional } from '../../token/options.js'
import type { Claims } from '../../token/verification.js'
import { GuardError, reworded } from '../error.js'
import type { Guard } from '../types.js'
import type { EndOfWatch, OnStale, Watch } from '../watch-index.js'
import { readAdapterOptions, requireGuard, throwFaults, type AdapterOptions } from './options.js'
import { isAllowedOrigin, originsOption } from './origins.js'
import { checkRequest, type Checked } from './request-check.js'
import { hasCookieToken, isCookieSource, type PresentedToken } from './token-sources.js'

/** The options of an adapter for connections that last. */
export type ConnectionOptions<Request, Response> = AdapterOptions<Request, Response> &
  Readonly<{
    /**
     * What happens to live connections when the guard is stale, and receives no revocation.
     * `close` is the default: they are closed, spread over a second, and a new one is refused with
     * 503 even if `onUnknown` lets its token pass. `keep` leaves them open.
     */
    onStale?: OnStale | undefined
    /**
     * Exact origins of the pages that may connect. Required where the token comes from a cookie,
     * because a browser sends cookies for pages of any site. A handshake with another `Origin` is
     * refused with 403. A WebTransport shows none and carries no cookies: it needs its own token.
     */
    origins?: readonly string[] | undefined
  }>

/** How a connection is checked at its beginning, and closed at the end of its token. */
export type ConnectionGuard<Request> = Readonly<{
  /**
   * @param upgrade the request that the connection began with; none for a WebTransport
   * @throws what `getToken` throws, besides a GuardError
   */
  check(
    request: Request,
    upgrade: IncomingMessage | null,
  ): Promise<Checked & { presented?: PresentedToken | undefined }>
  /** Closes a connection when its token ends. Call the result when the connection ends. */
  watch(claims: Claims, close: (why: EndOfWatch) => void): Watch
}>

/**
 * The part of the adapters for live connections that knows no library.
 *
 * @param adapter its name, for messages
 * @throws TypeError for what is no guard, and for options that make no sense
 */
export function createConnectionGuard<Request extends object, Response>(
  adapter: string,
  guard: Guard,
  options: ConnectionOptions<Request, Response>,
): ConnectionGuard<Request> {
  requireGuard(adapter, guard)
  const settings = readAdapterOptions(adapter, options, ['onStale', 'origins'])
  const { onStale, origins } = readConnectionOptions(adapter, options)
  const refuse = (code: 'unknown' | 'origin_not_allowed'): Checked => ({
    refusal: reworded(new GuardError(code), settings),
  })
  // A stale guard receives no revocation, and `onUnknown` may let a token pass.
  const isUnwatchable = (claims: Claims | undefined) =>
    claims !== undefined && onStale === 'close' && !guard.stats().fresh
  return {
    async check(request, upgrade) {
      let presented: PresentedToken | null | undefined
      const getToken =
        settings.getToken && (async () => (presented = await settings.getToken?.(request)))
      const checked = await checkRequest(guard, { ...settings, getToken }, request)
      if (checked.refusal !== undefined) return checked
      if (upgrade !== null && !isAllowedOrigin(upgrade, origins, hasCookieToken(upgrade)))
        return refuse('origin_not_allowed')
      if (isUnwatchable(checked.claims)) return refuse('unknown')
      return { ...checked, presented: presented ?? undefined }
    },
    watch: (claims, close) => guard.watch(claims, close, { onStale }),
  }
}

function readConnectionOptions(
  adapter: string,
  options: ConnectionOptions<never, never>,
): { onStale: OnStale; origins: readonly string[] | undefined } {
  const faults = createFaults()
  const settings = {
    onStale:
      optional(oneOf<OnStale>(['close', 'keep']), options.onStale, faults.of('onStale')) ?? 'close',
    origins: optional(originsOption, options.origins, faults.of('origins')),
  }
  if (options.origins === undefined && isCookieSource(options.getToken))
    faults.report('origins', 'is demanded where the token comes from a cookie')
  throwFaults(adapter, faults)
  return settings
}
