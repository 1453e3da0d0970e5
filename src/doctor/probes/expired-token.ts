import { parseJwt } from '../jwt.js'
import { NotTried, lacking, type Probe } from '../probe.js'
import { letInAt, tellsThatItEnded } from '../steps.js'
import type { Address, Target } from '../target.js'

export const expiredToken: Probe = {
  name: 'logout with an expired token',
  why: 'A user whose token has just expired cannot log out, and an API with leeway still takes the token.',
  clause: 'RFC 7009 §2.2, OWASP ASVS 5.0 7.4.1, 9.2.1',
  needs: [],
  async run(target) {
    const token = await expired(target)
    const answer = await target.logout(token)
    const letIn: Address[] = []
    for (const address of target.addresses)
      if ((await target.ask(address, token)).isIn) letIn.push(address)
    return [
      ...(tellsThatItEnded(answer)
        ? []
        : [`the logout with an expired token answered: ${answer.said}`]),
      ...letInAt('an expired token, after its logout,', letIn),
    ]
  },
}

/** How long ago the token has expired: less than the leeway that APIs grant. */
const agoS = 2

async function expired(target: Target): Promise<string> {
  const { token } = await target.login()
  const { header, claims } = parseJwt(token)
  const nowS = Math.floor(Date.now() / 1000)
  if (!target.lacks('sign')) {
    const times = { iat: nowS - 3600, exp: nowS - agoS }
    return target.sign({ ...claims, ...times, jti: 'doctor-expired' }, header)
  }
  const { exp } = claims
  if (typeof exp !== 'number') throw new NotTried('needs tokens that expire')
  const leftMs = exp * 1000 - Date.now()
  if (leftMs > target.times.watchMs) throw lacking('sign')
  await target.pause(Math.max(0, leftMs) + agoS * 1000)
  return token
}
