import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { withoutMount } from '../../../src/http/hosts/answered.js'

type Url = { url: string; originalUrl?: string }
const take = (request: Url, mount: string) => withoutMount(request as Url & IncomingMessage, mount)

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
