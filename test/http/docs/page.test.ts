import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { desktop, openBrowser, violationsOf } from '../../support/browser.js'
import { until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'

const phone = { width: 390, height: 844 }
const devices = {
  'a desktop': { viewport: desktop, colorScheme: 'light' },
  'a phone': { viewport: phone, colorScheme: 'light' },
  'a phone in the dark': { viewport: phone, colorScheme: 'dark' },
  'a desktop in the dark': { viewport: desktop, colorScheme: 'dark' },
} as const

const open = async (page: Page, operation: string) => {
  await page.click(`#operations-${operation} .opblock-summary-control`)
  await page.waitForSelector(`#operations-${operation} .opblock-body .responses-wrapper`)
}

/** Whether the page fits into the width of the window, and whether its background is dark. */
const looks = (page: Page) =>
  page.evaluate<{ fits: boolean; isDark: boolean }>(`({
    fits: document.documentElement.scrollWidth <= innerWidth,
    isDark: Number(/\\d+/.exec(getComputedStyle(document.body).backgroundColor)[0]) < 128,
  })`)

/** Colours change by transitions, on whose way they have too little contrast. */
async function settled(page: Page): Promise<void> {
  const nextFrame = 'new Promise((resolve) => requestAnimationFrame(resolve))'
  for (let frame = 0; frame < 2; frame += 1) await page.evaluate(nextFrame)
  const changing = () => page.evaluate<number>('document.getAnimations().length')
  await until('no colour changes', async () => (await changing()) === 0)
}

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
    await open(page, 'auth-logout')
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

  it('on a desktop and a phone, in light and dark: axe-core finds no violation, and the page fits', async function () {
    // axe-core looks at thousands of elements, each time.
    this.timeout(600_000)
    const { page, close } = await browser.visit(`${service.origin}/`)
    // Each state is looked at first on the device of the last look, so that /docs loads in the dark.
    let inOrder = Object.entries(devices)
    const expectUsable = async (what: string) => {
      for (const [name, { viewport, colorScheme }] of inOrder) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme })
        await settled(page)
        const found = { violations: await violationsOf(page), ...(await looks(page)) }
        const isDark = colorScheme === 'dark'
        expect(found, `${what} on ${name}`).to.deep.equal({ violations: [], fits: true, isDark })
      }
      inOrder = [...inOrder].reverse()
    }
    await expectUsable('home')
    await page.goto(`${service.origin}/docs`, { waitUntil: 'networkidle' })
    await page.waitForSelector('.opblock')
    await expectUsable('docs')
    await page.click('text=Use a development token')
    await page.waitForSelector('output:has-text("fresh token")')
    for (const one of ['auth-logout', 'audit-listAuditEvents', 'feed-getSnapshot'])
      await open(page, one)
    await page.click('#operations-auth-logout button.execute')
    await page.waitForSelector('#operations-auth-logout .live-responses-table')
    await expectUsable('open operations')
    await page.click('button.authorize')
    await page.waitForSelector('.dialog-ux')
    await expectUsable('credentials')
    await close()
  })

  it('begins with logout; what a follower needs stands with the feed', async () => {
    const { page, close } = await browser.visit(`${service.origin}/docs`)
    const first = page.locator('.opblock').first()
    expect(await first.getAttribute('id')).to.equal('operations-auth-logout')
    const { y = Infinity, height = 0 } = (await first.boundingBox()) ?? {}
    expect(y + height).to.be.below(desktop.height)
    const layout = 'Canonical encoding.'
    expect(await page.textContent('body')).not.to.include(layout)
    await open(page, 'feed-getSnapshot')
    expect(await page.textContent('#operations-feed-getSnapshot')).to.include(layout)
    await close()
  })

  it('/ says the version, and whether a logout would succeed', async () => {
    const storeless = await startService(
      { REDIS_URL: 'redis://127.0.0.1:1', STORE_TIMEOUT_MS: '100' },
      { waitForStore: false },
    )
    try {
      const [ready, notReady] = await Promise.all([
        service.send({ path: '/' }),
        storeless.send({ path: '/' }),
      ])
      expect([ready.status, notReady.status]).to.deep.equal([200, 200])
      expect(ready.text).to.include('Version 0.2.0. Ready: a logout would succeed now.')
      expect(notReady.text).to.include('Version 0.2.0. <strong>Not ready</strong>')
      expect(notReady.headers['etag']).not.to.equal(ready.headers['etag'])
    } finally {
      await storeless.stop()
    }
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
