import type { Probe } from '../probe.js'
import { logOut } from '../steps.js'
import type { Connection, Target } from '../target.js'

export const openConnection: Probe = {
  name: 'an open connection',
  why: 'A WebSocket or event stream that was opened before the logout goes on after it.',
  clause: 'OWASP ASVS 5.0 7.4.1',
  needs: ['connection'],
  async run(target) {
    const { token } = await target.login()
    const opened = await target.connect(token)
    if (!('isOpen' in opened))
      throw new Error(`the connection does not open with a fresh token: ${opened.said}`)
    try {
      return await afterLogout(target, opened, token)
    } finally {
      opened.close()
    }
  },
}

/** How long a connection must live before the logout: one that ends by itself proves nothing. */
const settledMs = 500

async function afterLogout(target: Target, opened: Connection, token: string): Promise<string[]> {
  await target.pause(settledMs)
  if (!opened.isOpen()) throw new Error('the connection closes before the logout')
  await logOut(target, token)
  await Promise.race([opened.closed, target.pause(target.times.delayMs)])
  const lives = opened.isOpen()
    ? [`the connection is open ${target.times.delayMs / 1000} s after the logout`]
    : []
  const again = await target.connect(token)
  if (!('isOpen' in again)) return lives
  again.close()
  return [...lives, 'a new connection opens with the logged-out token']
}
