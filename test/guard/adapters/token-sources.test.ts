import { once } from 'node:events'
import { connect, createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { fromCookie, fromHeader, fromProtocol, fromQuery, GuardError } from '../../../src/guard.js'

const refusalOf = (read: () => unknown): unknown => {
  try {
    read()
  } catch (error) {
    return error instanceof GuardError ? [error.status, error.reason] : error
  }
  return undefined
}
const request = (headers: [string, string][], path = '/') =>
  new Request(`http://api.test${path}`, { headers })
const twice = [401, 'two_credentials']

describe('the sources of tokens', () => {
  it('read a Fetch request', () => {
    const header = request([['Authorization', 'Bearer a.b.c']])
    expect(fromHeader()(header)).to.deep.equal({ authorization: 'Bearer a.b.c' })
    expect(fromHeader()(request([['Authorization', 'Basic a']]))).to.equal(undefined)
    expect(fromHeader()(request([]))).to.equal(undefined)
    const cookies = request([['Cookie', 'token=a.b.c; other=1']])
    expect(fromCookie('token')(cookies)).to.equal('a.b.c')
    const protocol = request([['Sec-WebSocket-Protocol', 'bearer,a.b.c, chat']])
    expect(fromProtocol('bearer')(protocol)).to.equal('a.b.c')
    expect(fromQuery('t')(request([], '/?t=a.b.c#t=x'))).to.equal('a.b.c')
    expect(fromQuery('t')(request([], '/#?t=x'))).to.equal(undefined)
  })

  it('read a request of HTTP/2, whose cookies may come in several lines', async () => {
    const server = createHttp2Server().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    try {
      const arrived = once(server, 'request') as Promise<[Http2ServerRequest]>
      client
        .request({
          ':path': '/?t=q.u.e',
          authorization: 'bearer a.b.c',
          cookie: ['a=1', 'token=c.o.o'],
        })
        .on('error', () => undefined)
      const [received] = await arrived
      expect(fromHeader()(received)).to.deep.equal({ authorization: 'bearer a.b.c' })
      expect(fromCookie('token')(received)).to.equal('c.o.o')
      expect(fromQuery('t')(received)).to.equal('q.u.e')
    } finally {
      client.destroy()
      server.close()
    }
  })

  it('401 for two tokens, even if they are equal; nothing for an empty one', () => {
    const cookies = (line: string) => () => fromCookie('t')(request([['Cookie', line]]))
    const protocols = (line: string) => () =>
      fromProtocol('bearer')(request([['Sec-WebSocket-Protocol', line]]))
    const query = (text: string) => () => fromQuery('t')(request([], `/?${text}`))
    for (const read of [
      cookies('t=a; t=a'),
      cookies('t=; t=a'),
      protocols('bearer, a, bearer, b'),
      query('t=a&t=a'),
    ])
      expect(refusalOf(read)).to.deep.equal(twice)
    for (const read of [
      cookies('t='),
      cookies('T=a; tt=b; =t; t'),
      protocols('bearer'),
      protocols('Bearer, a'),
      protocols('a, bearer'),
      query('t='),
      query(''),
    ])
      expect(read()).to.equal(undefined)
  })

  it('TypeError for a name that cannot be one, and for a request of an unknown kind', () => {
    for (const make of [
      () => fromCookie('a b'),
      () => fromCookie(''),
      () => fromCookie('a=b'),
      () => fromCookie(undefined as never),
      () => fromProtocol('a,b'),
      () => fromQuery(''),
    ])
      expect(make).to.throw(TypeError, 'the name must')
    for (const value of [{}, { headers: { cookie: 'a=b' } }, { raw: 7 }, { req: { req: {} } }])
      expect(() => fromHeader()(value)).to.throw(TypeError, 'a token is read from a request')
  })
})
