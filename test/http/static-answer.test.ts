import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { faultsOf } from '../support/contract.js'
import { startService, type TestService } from '../support/service.js'

const decoders = { identity: (bytes: Buffer) => bytes, gzip: gunzipSync, br: brotliDecompressSync }
const documents = {
  contractYaml: '/openapi.yaml',
  contractJson: '/openapi.json',
  home: '/',
  docs: '/docs',
  docsFile: '/docs/swagger-ui-bundle.js',
}
const others = ['/docs/swagger-ui.css', '/docs/reference.js', '/docs/reference.css']

describe('static documents', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.stop())

  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const { hostname, port } = new URL(service.origin)
    const sent = request({ hostname, port, path, method, headers, agent: false }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const bytes = Buffer.concat((await response.toArray()) as Buffer[])
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      text: bytes.toString(),
      json: undefined,
    }
  }

  for (const path of [...Object.values(documents), ...others]) {
    it(`200: ${path} has the same content in each coding, is shorter when encoded, and has an ETag for each`, async () => {
      const plain = await get(path)
      expect(plain.headers['content-encoding']).to.equal(undefined)
      const etags = new Set([plain.headers.etag])
      for (const coding of ['gzip', 'br'] as const) {
        const encoded = await get(path, { 'accept-encoding': coding })
        expect([
          encoded.status,
          encoded.headers['content-encoding'],
          encoded.headers.vary,
        ]).to.deep.equal([200, coding, 'Accept-Encoding'])
        expect(encoded.headers['content-length']).to.equal(String(encoded.bytes.length))
        expect(encoded.bytes.length).to.be.below(plain.bytes.length)
        expect(decoders[coding](encoded.bytes).equals(plain.bytes)).to.equal(true)
        etags.add(encoded.headers.etag)
      }
      expect(etags.size).to.equal(3)
    })
  }

  for (const [operationId, path] of Object.entries(documents)) {
    it(`304: ${path} for the ETag of the requested coding, in every notation; 200 for another`, async () => {
      const first = await get(path, { 'accept-encoding': 'gzip' })
      const etag = String(first.headers.etag)
      const again = (ifNoneMatch: string, coding = 'gzip', method = 'GET') =>
        get(path, { 'accept-encoding': coding, 'if-none-match': ifNoneMatch }, method)
      for (const ifNoneMatch of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await again(ifNoneMatch, 'gzip', method)
          expect(
            [answer.status, answer.bytes.length, answer.headers.etag],
            ifNoneMatch,
          ).to.deep.equal([304, 0, etag])
          expect(faultsOf(operationId, answer)).to.deep.equal([])
          // A cache replaces its stored fields by these.
          for (const name of ['cache-control', 'content-security-policy', 'vary'])
            expect(answer.headers[name], name).to.equal(first.headers[name])
          for (const name of ['content-type', 'content-encoding', 'content-length'])
            expect(answer.headers, name).not.to.have.property(name)
        }
      }
      expect((await again('"x"')).status).to.equal(200)
      expect((await again(etag, 'br')).status).to.equal(200)
      expect((await again(etag, 'identity')).status).to.equal(200)
    })

    it(`200: HEAD ${path} has the header fields of GET, and no body`, async () => {
      const [whole, head] = [
        await get(path, { 'accept-encoding': 'br' }),
        await get(path, { 'accept-encoding': 'br' }, 'HEAD'),
      ]
      expect([head.status, head.bytes.length]).to.deep.equal([200, 0])
      for (const name of [
        'content-length',
        'content-type',
        'content-encoding',
        'etag',
        'vary',
        'cache-control',
      ])
        expect(head.headers[name], name).to.equal(whole.headers[name])
    })
  }

  it('Vary names Origin, too, where CORS_ORIGINS is set', async () => {
    const origin = 'https://app.example.com'
    const shared = await startService({ CORS_ORIGINS: origin })
    try {
      for (const ifNoneMatch of ['"x"', '*']) {
        expect(
          (
            await shared.send({
              path: '/openapi.json',
              headers: { origin, 'if-none-match': ifNoneMatch },
            })
          ).headers['vary'],
        ).to.equal('Origin, Accept-Encoding')
      }
    } finally {
      await shared.stop()
    }
  })

  it('no other answer is encoded, or has an ETag', async () => {
    for (const path of ['/health/live', '/metrics', '/nowhere', '/docs/token']) {
      const { headers } = await get(path, { 'accept-encoding': 'br, gzip', 'if-none-match': '*' })
      expect([headers['content-encoding'], headers.etag]).to.deep.equal([undefined, undefined])
    }
  })

  it('404 with DOCS=off, also to If-None-Match: *', async () => {
    const off = await startService({ DOCS: 'off' })
    try {
      for (const path of ['/docs', '/docs/reference.js'])
        expect((await off.send({ path, headers: { 'if-none-match': '*' } })).status).to.equal(404)
    } finally {
      await off.stop()
    }
  })
})
