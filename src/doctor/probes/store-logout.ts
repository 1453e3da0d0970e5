import { NotTried, lacking, type Probe } from '../probe.js'
import { isRefusal } from '../requests.js'
import { addressesIn, letInAt } from '../steps.js'

export const storeLogout: Probe = {
  name: 'logout while the store is stopped',
  why: 'A user is told that the session has ended, and it has not.',
  clause: 'OWASP ASVS 5.0 16.5.3, 7.4.1, RFC 7009 §2.2.1',
  needs: ['store'],
  async run(target) {
    const { logout, afterLogout } = await target.outage()
    if (isRefusal(logout))
      return [`the logout answered ${logout.said}, as if the token had ended already`]
    if (!logout.isIn) return []
    const what = `a token whose logout was answered with ${logout.said}`
    const letIn = addressesIn(afterLogout)
    if (letIn.length > 0) return letInAt(what, letIn)
    if (target.lacks('restart'))
      throw new NotTried(
        `${lacking('restart').message}: the logout answered ${logout.said}, and only then shows whether that is true`,
      )
    const { toLoggedOut } = await target.recovery()
    return letInAt(`${what}, once the store is back,`, addressesIn(toLoggedOut))
  },
}
