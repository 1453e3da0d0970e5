import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import axe, { type AxeResults } from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'

/** A page in a real Chromium, with its errors and warnings and the origins of its requests. */
export type Visit = {
  page: Page
  complaints: string[]
  origins: Set<string>
  close(): Promise<void>
}

export const desktop = { width: 1280, height: 900 }

export async function openBrowser(): Promise<{
  visit(url: string): Promise<Visit>
  close(): Promise<void>
}> {
  // CI runs as root, where Chromium cannot start its sandbox.
  const browser: Browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  return {
    async visit(url) {
      const page = await browser.newPage({ viewport: desktop })
      // Beside busy processes a page takes longer than the default of 30 s.
      page.setDefaultTimeout(240_000)
      const complaints: string[] = []
      const origins = new Set<string>()
      page.on(
        'console',
        (message) =>
          ['error', 'warning'].includes(message.type()) && complaints.push(message.text()),
      )
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('request', (request) => {
        const { protocol, origin } = new URL(request.url())
        if (protocol !== 'data:') origins.add(origin)
      })
      await page.goto(url, { waitUntil: 'networkidle' })
      return { page, complaints, origins, close: () => page.close() }
    },
    close: () => browser.close(),
  }
}

/** What axe-core finds that a reader with a disability cannot use: its rules, and the elements. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })")
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}

/** A web server of another origin. */
export async function serveOn(
  listener: RequestListener,
): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
