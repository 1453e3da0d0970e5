import { parseJwt } from '../jwt.js'
import { NotTried, lacking, type Probe } from '../probe.js'
import { isEndedSoon, logOut, requireIn } from '../steps.js'
import type { Target } from '../target.js'

export const otherUser: Probe = {
  name: 'another user’s token in the body',
  why: 'A user can end the session of another one whose token has leaked into a log or a link.',
  clause: 'OWASP ASVS 5.0 8.2.2, RFC 7009 §2.1',
  needs: [],
  async run(target) {
    const mine = (await target.login()).token
    const theirs = await tokenOfOther(target)
    await requireIn(target, 'the token of another user', theirs)
    if (target.namesTokenTwice) {
      await target.logout(mine, theirs)
      if (await isEndedSoon(target, theirs))
        return ['a logout whose body names the token of another user ended it']
    }
    await logOut(target, (await target.login()).token)
    if (await isEndedSoon(target, theirs)) return ['the logout of one user ended another user, too']
    if (target.namesTokenTwice) return []
    throw new NotTried('needs a `logout` request that names the token in its body or address, too')
  },
}

async function tokenOfOther(target: Target): Promise<string> {
  if (!target.lacks('otherLogin')) return (await target.loginAsOther()).token
  if (target.lacks('sign')) throw lacking('otherLogin')
  const { header, claims } = parseJwt((await target.login()).token)
  const others = { sub: 'doctor-other-user', jti: 'doctor-other-user' }
  const session = claims['sid'] === undefined ? {} : { sid: 'doctor-other-user' }
  return target.sign({ ...claims, ...others, ...session }, header)
}
