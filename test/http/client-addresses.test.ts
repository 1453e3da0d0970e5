import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { parseConfig } from '../../src/config/config.js'
import { createClientAddresses } from '../../src/http/client-addresses.js'
import { startService } from '../support/service.js'
import { hmacSecret } from '../support/tokens.js'

const trusting = (TRUST_PROXY: string) =>
  createClientAddresses(
    parseConfig({ JWT_SECRET: hmacSecret, REDIS_URL: 'memory:', TRUST_PROXY }).trustProxy,
  )
/** A request over HTTPS to the proxy, from this peer. */
const from = (remoteAddress: string | undefined, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: {
      'x-forwarded-proto': 'https',
      ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
    },
  }) as unknown as IncomingMessage

describe('the address of a client', () => {
  it('is what trusted proxies wrote: named by range, by loopback or private, or counted in hops', () => {
    const cases: [
      trust: string,
      peer: string | undefined,
      forwarded: string | undefined,
      client: string,
    ][] = [
      ['loopback', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
      ['loopback', '::1', '203.0.113.9', '203.0.113.9'],
      ['loopback', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
      ['loopback', '10.0.0.1', '203.0.113.9', '10.0.0.1'],
      ['private', '10.0.0.1', '203.0.113.9, 192.168.1.1', '203.0.113.9'],
      ['private', '172.31.255.1', '203.0.113.9, fd00::1', '203.0.113.9'],
      ['private', '172.32.0.1', '203.0.113.9', '172.32.0.1'],
      ['private', '127.0.0.1', '203.0.113.9', '127.0.0.1'],
      [
        'loopback, private ,198.51.100.0/24',
        '127.0.0.1',
        '203.0.113.9, 10.0.0.1, 198.51.100.7',
        '203.0.113.9',
      ],
      ['1', '198.51.100.7', '192.0.2.66, 203.0.113.9', '203.0.113.9'],
      ['2', '198.51.100.7', '192.0.2.66, 203.0.113.9, 198.51.100.8', '203.0.113.9'],
      ['2', '198.51.100.7', '203.0.113.9', '203.0.113.9'],
      ['32', '198.51.100.7', undefined, '198.51.100.7'],
      ['1', '198.51.100.7', 'unknown', '198.51.100.7'],
      // A peer at a Unix socket, or one that has left.
      ['1', undefined, '203.0.113.9', '203.0.113.9'],
      ['1', undefined, undefined, 'unknown'],
      ['loopback', undefined, '203.0.113.9', 'unknown'],
      ['1', '198.51.100.7', '203.0.113.9:5001', '203.0.113.9'],
    ]
    for (const [trust, peer, forwarded, client] of cases) {
      const addresses = trusting(trust)
      const request = from(peer, forwarded)
      expect(addresses.of(request), `${trust} ${peer} ${forwarded}`).to.equal(client)
      expect(addresses.hasIgnoredHeaders(request)).to.equal(false)
    }
  })

  it('of a trusted proxy says whether the connection was HTTPS, of another peer does not', () => {
    expect(trusting('1').isSecure(from('203.0.113.9'))).to.equal(true)
    expect(trusting('private').isSecure(from('10.0.0.1'))).to.equal(true)
    expect(trusting('private').isSecure(from('203.0.113.9'))).to.equal(false)
    const wary = createClientAddresses([])
    expect([
      wary.isSecure(from('10.0.0.1')),
      wary.hasIgnoredHeaders(from('10.0.0.1')),
    ]).to.deep.equal([false, true])
  })

  it('behind a number of hops is limited by itself, whatever the client wrote before', async () => {
    const service = await startService({ RATE_LIMIT_ADDRESS: '1/2147483', TRUST_PROXY: '1' })
    const statusFrom = async (forwarded: string) =>
      (await service.logout('x', {}, { 'x-forwarded-for': forwarded })).status
    try {
      expect(await statusFrom('203.0.113.9')).to.equal(401)
      expect(await statusFrom('192.0.2.1, 203.0.113.9')).to.equal(429)
      expect(await statusFrom('203.0.113.9, 192.0.2.1')).to.equal(401)
    } finally {
      await service.stop()
    }
  })
})
