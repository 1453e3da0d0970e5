import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import type { Cierre } from '../../../src/embedded.js'
import { fastifyPlugin, honoHandler, koaHandler } from '../../../src/embedded.js'
import { withoutMount } from '../../../src/http/hosts/answered.js'

type Url = { url: string; originalUrl?: string }
const take = (request: Url, mount: string) => withoutMount(request as Url & IncomingMessage, mount)

describe('the adapters of createCierre', () => {
  it('refuse anything but what it returned, and name what they need, when they are made', () => {
    const guard = { check: () => undefined } as unknown as Cierre
    for (const [name, adapter] of Object.entries({ fastifyPlugin, honoHandler, koaHandler }))
      for (const wrong of [guard, undefined as unknown as Cierre])
        expect(() => adapter(wrong)).to.throw(TypeError, `${name} needs what createCierre returned`)
  })
})

describe('the URL of a request below a path', () => {
  it('is without that path, keeps the whole in originalUrl, and is put back', () => {
    const request: Url = { url: '/auth/oauth/revoke?x=1' }
    const putBack = take(request, '/auth')
    expect(request).to.deep.equal({
      url: '/oauth/revoke?x=1',
      originalUrl: '/auth/oauth/revoke?x=1',
    })
    putBack?.()
    expect(request).to.deep.equal({ url: '/auth/oauth/revoke?x=1' })
  })

  it('leaves an originalUrl alone that the app has set', () => {
    const request: Url = { url: '/auth/x', originalUrl: '/outer/auth/x' }
    const putBack = take(request, '/auth')
    expect(request).to.deep.equal({ url: '/x', originalUrl: '/outer/auth/x' })
    putBack?.()
    expect(request).to.deep.equal({ url: '/auth/x', originalUrl: '/outer/auth/x' })
  })

  it('is as it was at the root, and elsewhere', () => {
    for (const [url, mount] of [
      ['/x', ''],
      ['/authx/y', '/auth'],
      ['/auth', '/auth'],
      ['/', '/auth'],
    ] as const) {
      const request: Url = { url }
      expect(take(request, mount) === undefined, url).to.equal(mount !== '')
      expect(request).to.deep.equal({ url })
    }
  })
})
