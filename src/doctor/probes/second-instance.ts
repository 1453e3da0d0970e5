import type { Probe } from '../probe.js'
import { addressesThatLetIn, letInAt, logOut, requireIn } from '../steps.js'

export const secondInstance: Probe = {
  name: 'the token at a second instance',
  why: 'An instance with a cache of its own does not learn of the logout.',
  clause: 'OWASP ASVS 5.0 7.4.1, 8.3.2',
  needs: ['secondAddress'],
  async run(target) {
    const { token } = await target.login()
    // Each address has seen the token before the logout, so a cache would have it.
    await requireIn(target, 'a token of a fresh login', token)
    await logOut(target, token)
    const others = target.addresses.slice(1)
    return letInAt('the logged-out token', await addressesThatLetIn(target, token, others))
  },
}
