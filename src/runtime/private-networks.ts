import { BlockList, isIP } from 'node:net'

/** Addresses of private networks (RFC 1918, RFC 4193), as CIDR ranges. */
export const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] as const

const privateNetworks = new BlockList()
for (const range of privateRanges) {
  const [address = '', bits] = range.split('/')
  privateNetworks.addSubnet(address, Number(bits), familyOf(address))
}

/** Whether a host of a URL is no address of the public Internet. A name may be in any network. */
export function mayBePrivate(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) === 0 || privateNetworks.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
