import type { Probe } from '../probe.js'
import { addressesThatLetIn, letInAt, requireIn, tellsThatItEnded } from '../steps.js'

export const twoAtOnce: Probe = {
  name: 'two logouts at once',
  why: 'Two tabs log out at the same time: one of them gets an error, or one logout is lost.',
  clause: 'OWASP ASVS 5.0 7.4.1, RFC 7009 §2.2',
  needs: [],
  async run(target) {
    const [one, other] = [(await target.login()).token, (await target.login()).token]
    await requireIn(target, 'a token of a fresh login', one)
    const answers = await Promise.all([one, one, other, other].map((token) => target.logout(token)))
    const errors = answers.filter((answer) => !tellsThatItEnded(answer))
    const letIn = [
      ...(await addressesThatLetIn(target, one)),
      ...(await addressesThatLetIn(target, other)),
    ]
    return [
      ...errors.map(({ said }) => `one of several logouts at once answered: ${said}`),
      ...letInAt('a token that was logged out twice at once', [...new Set(letIn)]),
    ]
  },
}
