import { expect } from 'chai'
import { openBrowser } from '../../support/browser.js'
import { startService, type TestService } from '../../support/service.js'

describe('/docs in a browser', () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>
  /** No key is configured, so it makes development tokens. */
  let service: TestService
  before(async () => {
    browser = await openBrowser()
    service = await startService({ JWT_SECRET: '' })
  })
  after(async () => {
    await browser.close()
    await service.stop()
  })

  it('loads without an error and from one origin, and logs a token out: 200, then 401', async () => {
    const { page, complaints, origins, close } = await browser.visit(`${service.origin}/`)
    await page.click('a[href="/docs"]')
    await page.waitForSelector('.opblock')
    expect(complaints).to.deep.equal([])
    expect([...origins]).to.deep.equal([service.origin])
    await page.click('text=Use a development token')
    await page.waitForSelector('output:has-text("fresh token")')
    await page.click('#operations-auth-logout .opblock-summary-control')
    const execute = async () => {
      const answered = page.waitForResponse((response) =>
        response.url().endsWith('/api/v1/auth/logout'),
      )
      await page.click('#operations-auth-logout button.execute')
      const status = String((await answered).status())
      await page.waitForSelector(
        `#operations-auth-logout .live-responses-table .response-col_status:has-text("${status}")`,
      )
      return status
    }
    expect(await execute()).to.equal('200')
    expect(await page.textContent('#operations-auth-logout .live-responses-table')).to.include(
      'Sesión cerrada exitosamente',
    )
    expect(await execute()).to.equal('401')
    expect([...origins]).to.deep.equal([service.origin])
    await close()
  })

  it('offers no development token where a key is configured', async () => {
    const other = await startService()
    try {
      expect((await other.send({ method: 'POST', path: '/docs/token' })).status).to.equal(404)
      const page = await other.send({ path: '/docs' })
      expect([page.status, page.text.includes('<button')]).to.deep.equal([200, false])
      expect(page.headers['content-security-policy']).to.match(
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      )
    } finally {
      await other.stop()
    }
  })

  it('404 for the development token under a name that is not of this machine', async () => {
    const from = async (host: string) =>
      (await service.send({ method: 'POST', path: '/docs/token', headers: { host } })).status
    for (const host of ['localhost', '127.0.0.1:3000', '127.9.9.9', '[::1]:80', 'LOCALHOST:1'])
      expect(await from(host), host).to.equal(200)
    for (const host of ['evil.test', 'localhost.evil.test:3000', '127.0.0.1.evil.test', '10.0.0.1'])
      expect(await from(host), host).to.equal(404)
  })

  it('404 with DOCS=off, and no link to it', async () => {
    const off = await startService({ DOCS: 'off' })
    try {
      for (const path of ['/docs', '/docs/reference.js', '/docs/swagger-ui-bundle.js'])
        expect((await off.send({ path })).status, path).to.equal(404)
      const home = await off.send({ path: '/' })
      expect([home.status, home.text.includes('/docs')]).to.deep.equal([200, false])
    } finally {
      await off.stop()
    }
  })

  it('404 for every file but its own', async () => {
    for (const path of ['/docs/page.js', '/docs/..%2fmain.js', '/docs/LICENSE'])
      expect((await service.send({ path })).status, path).to.be.oneOf([400, 404])
  })
})
