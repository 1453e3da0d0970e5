import type { Probe } from '../probe.js'
import { isRefusal } from '../requests.js'

export const storeGoodToken: Probe = {
  name: 'a good token while the store is stopped',
  why: 'A client that is told "revoked" throws its token away: an outage logs every user out.',
  clause: 'RFC 6750 §3.1, RFC 9110 §15.6.4, OWASP ASVS 5.0 16.5.2',
  needs: ['store'],
  async run(target) {
    const { toGood } = await target.outage()
    const refused = toGood.filter(({ answer }) => isRefusal(answer))
    const silent = toGood.find(({ answer }) => answer.status === 0)
    if (silent !== undefined)
      target.note(`While the store is stopped, ${silent.address.label}: ${silent.answer.said}.`)
    const told = refused.map(
      ({ address, answer }) => `a good token is refused at ${address.label}: ${answer.said}`,
    )
    return [...new Set(told)]
  },
}
