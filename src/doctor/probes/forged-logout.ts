import { forgeries } from '../jwt.js'
import type { Probe } from '../probe.js'
import { isEndedSoon } from '../steps.js'

export const forgedLogout: Probe = {
  name: 'logout with a forged token',
  why: 'A logout that does not verify signatures lets anybody end the sessions of others, or fill the store.',
  clause: 'OWASP ASVS 5.0 9.1.1, 9.1.2, RFC 8725 §3.1',
  needs: [],
  async run(target) {
    const takesAnything = (await target.logout('no.json.web-token')).isIn
    const { token } = await target.login()
    const taken: string[] = []
    for (const { how, text } of forgeries(token))
      if ((await target.logout(text)).isIn) taken.push(how)
    if (taken.length === 0) return []
    const list = taken.join(', ')
    if (await isEndedSoon(target, token)) return [`a forged token (${list}) logs its subject out`]
    // RFC 7009 §2.2: a server may answer 200 to any text, as long as that has no effect.
    return takesAnything ? [] : [`the logout accepts a forged token (${list})`]
  },
}
