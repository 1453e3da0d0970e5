import type { Probe } from '../probe.js'
import { addressesIn, letInAt } from '../steps.js'

export const storeRevokedToken: Probe = {
  name: 'a logged-out token while the store is stopped',
  why: 'An API that takes an error for "not revoked" lets every logged-out token in during an outage.',
  clause: 'OWASP ASVS 5.0 16.5.3, 16.5.2',
  needs: ['store'],
  async run(target) {
    const { toEnded } = await target.outage()
    const letIn = letInAt('a token that was logged out before', addressesIn(toEnded))
    if (letIn.length > 0 || target.lacks('restart')) return letIn
    const recovery = await target.recovery()
    return letInAt(
      'a token that was logged out before, once the store is back,',
      addressesIn(recovery.toEnded),
    )
  },
}
