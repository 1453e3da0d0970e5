import type { IncomingMessage } from 'node:http'
import proxyaddr from 'proxy-addr'
import { canonical, type TrustedProxies } from '../runtime/ip-addresses.js'

export type ClientAddresses = {
  /**
   * The client's address as trusted proxies have written it, or else the address of the peer. The
   * text is canonical, and an IPv4 address is never mapped into IPv6.
   */
  of(request: IncomingMessage): string
  /** Whether the client's own connection was HTTPS. */
  isSecure(request: IncomingMessage): boolean
  /** Whether the request has forwarding headers while no proxy is trusted to send them. */
  hasIgnoredHeaders(request: IncomingMessage): boolean
}

/** @param trusted proxies; an empty list when none is */
export function createClientAddresses(trusted: TrustedProxies): ClientAddresses {
  const hasProxies = typeof trusted === 'number' || trusted.length > 0
  const isOfProxy =
    typeof trusted === 'number'
      ? (_address: string, hop: number) => hop < trusted
      : proxyaddr.compile([...trusted])
  const isTrusted = (address: string | undefined, hop: number) =>
    isOfProxy(withoutPort(address), hop)
  const peerOf = (request: IncomingMessage) => request.socket.remoteAddress ?? ''
  const isProxied = (request: IncomingMessage) => hasProxies && isTrusted(peerOf(request), 0)
  return {
    of: (request) =>
      (hasProxies ? canonical(withoutPort(proxyaddr(request, isTrusted))) : undefined) ??
      canonical(peerOf(request)) ??
      'unknown',
    isSecure(request) {
      if ('encrypted' in request.socket) return true
      const proto = isProxied(request) ? request.headers['x-forwarded-proto'] : undefined
      // The nearest proxy wrote the last member.
      return typeof proto === 'string' && proto.split(',').at(-1)?.trim().toLowerCase() === 'https'
    },
    hasIgnoredHeaders: (request) =>
      !hasProxies &&
      (request.headers['x-forwarded-for'] !== undefined ||
        request.headers['x-forwarded-proto'] !== undefined),
  }
}

/**
 * Some load balancers write `192.0.2.1:5001` or `[2001:db8::1]:443` into X-Forwarded-For. A peer at a
 * Unix socket, and one that has left, has no address.
 */
const withoutPort = (address: string | undefined = '') =>
  address.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/^\[(.*)\](?::\d+)?$/, '$1')
