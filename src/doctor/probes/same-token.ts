import type { Probe } from '../probe.js'
import { endedLogin, letInAt, refusedAfterMs } from '../steps.js'

export const sameToken: Probe = {
  name: 'the same token again',
  why: 'A copied token still works after its user has logged out.',
  clause: 'OWASP ASVS 5.0 7.4.1',
  needs: [],
  async run(target) {
    const [address] = target.addresses
    const { token } = await endedLogin(target)
    const afterMs = await refusedAfterMs(target, address, token)
    return letInAt('the logged-out token', afterMs === undefined ? [address] : [])
  },
}
