import type { Probe } from '../probe.js'
import { addressesThatLetIn, letInAt, logOut } from '../steps.js'

export const refreshedToken: Probe = {
  name: 'a token refreshed after the logout',
  why: 'A refresh token that outlives the logout opens the session again.',
  clause: 'OWASP ASVS 5.0 7.4.1, RFC 7009 §2.1',
  needs: ['refresh'],
  async run(target) {
    const trial = await target.refresh(await target.login())
    if (!('token' in trial)) throw new Error(`the refresh before any logout: ${trial.said}`)
    const login = await target.login()
    await logOut(target, login.token)
    const answer = await target.refresh(login)
    if (!('token' in answer)) return []
    const letIn = await addressesThatLetIn(target, answer.token)
    if (letIn.length === 0)
      target.note('The refresh still answers tokens after the logout; every address refuses them.')
    return letInAt('a token that was refreshed after the logout', letIn)
  },
}
