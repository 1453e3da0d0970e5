import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import proxyaddr from 'proxy-addr'

export type AddressDetail = 'full' | 'truncate' | 'none'

export type ClientAddresses = {
  /** The client's address as the trusted proxies tell it, else the peer's; canonical, IPv4 never mapped into IPv6. */
  of(request: IncomingMessage): string
  /** Whether the client's own connection was HTTPS. */
  isSecure(request: IncomingMessage): boolean
  /** Whether the request has forwarding headers that nobody is trusted to send. */
  hasIgnoredHeaders(request: IncomingMessage): boolean
}

/** @param trusted proxies, as addresses or CIDR ranges */
export function createClientAddresses(trusted: readonly string[]): ClientAddresses {
  const isOfProxy = proxyaddr.compile([...trusted])
  const isTrusted = (address: string, hop: number) => isOfProxy(withoutPort(address), hop)
  const peerOf = (request: IncomingMessage) => request.socket.remoteAddress ?? ''
  const isProxied = (request: IncomingMessage) =>
    trusted.length > 0 && isTrusted(peerOf(request), 0)
  return {
    of: (request) =>
      (trusted.length > 0 ? canonical(withoutPort(proxyaddr(request, isTrusted))) : undefined) ??
      canonical(peerOf(request)) ??
      'unknown',
    isSecure(request) {
      if ('encrypted' in request.socket) return true
      const proto = isProxied(request) ? request.headers['x-forwarded-proto'] : undefined
      // The nearest proxy wrote the last word.
      return typeof proto === 'string' && proto.split(',').at(-1)?.trim().toLowerCase() === 'https'
    },
    hasIgnoredHeaders: (request) =>
      trusted.length === 0 &&
      (request.headers['x-forwarded-for'] !== undefined ||
        request.headers['x-forwarded-proto'] !== undefined),
  }
}

/** Whether the text is an address or CIDR range that `createClientAddresses` takes. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const isAddress = ipaddr.IPv6.isValid(address) || ipaddr.IPv4.isValidFourPartDecimal(address)
  return (
    isAddress &&
    more.length === 0 &&
    (bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && ipaddr.isValidCIDR(text)))
  )
}

/** What one client is likely to hold: an IPv4 address, or an IPv6 /64. */
export const limitedAddress = (address: string) =>
  isIPv4(address) ? address : network(address, 64)

/** The address as the audit trail may hold it: whole, cut to /24 or /48, or not at all. */
export function auditAddress(address: string, detail: AddressDetail): string | undefined {
  if (detail === 'none') return undefined
  if (detail === 'full') return address
  return isIPv4(address)
    ? `${address.slice(0, address.lastIndexOf('.'))}.0/24`
    : network(address, 48)
}

function canonical(text: string): string | undefined {
  // Nearly all of them, and the library is slow.
  if (isIPv4(text)) return text
  return ipaddr.isValid(text) ? ipaddr.process(text).toString() : undefined
}

function network(address: string, bits: number): string {
  if (!ipaddr.isValid(address)) return address
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${withoutZone(address)}/${bits}`).toString()}/${bits}`
}

/** Some load balancers write `192.0.2.1:5001` or `[2001:db8::1]:443` into X-Forwarded-For. */
const withoutPort = (address: string) =>
  address.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/^\[(.*)\](?::\d+)?$/, '$1')

const withoutZone = (address: string) => address.replace(/%.*$/, '')
