import type { Probe } from '../probe.js'
import { addressesThatLetIn, endedLogin, letInAt, tellsThatItEnded } from '../steps.js'

export const logoutTwice: Probe = {
  name: 'logout twice',
  why: 'A client that repeats a logout after a lost answer gets an error for ever, and cannot tell that it is done.',
  clause: 'RFC 7009 §2.2, RFC 9110 §9.2.2',
  needs: [],
  async run(target) {
    const { token } = await endedLogin(target)
    const again = await target.logout(token)
    return [
      ...(tellsThatItEnded(again)
        ? []
        : [`the second logout of one token answered: ${again.said}`]),
      ...letInAt('a token that was logged out twice', await addressesThatLetIn(target, token)),
    ]
  },
}
