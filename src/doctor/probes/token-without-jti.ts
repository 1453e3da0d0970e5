import { parseJwt } from '../jwt.js'
import type { Probe } from '../probe.js'
import {
  addressesThatLetIn,
  isEndedSoon,
  isInEverywhere,
  letInAt,
  logOut,
  requireIn,
} from '../steps.js'
import type { JsonObject, Target } from '../target.js'

export const tokenWithoutJti: Probe = {
  name: 'a token without `jti`',
  why: 'A denylist by `jti` cannot hold a token without that claim, or holds them all as one.',
  clause: 'RFC 7519 §4.1.7, OWASP ASVS 5.0 7.4.1',
  needs: ['sign'],
  async run(target) {
    const control = await signedFor(target, { jti: 'doctor-control' })
    await requireIn(target, 'a token that was signed with `sign`', control)
    const [one, other] = [
      await signedFor(target, { later: 1 }),
      await signedFor(target, { later: 2 }),
    ]
    if (!(await isInEverywhere(target, one))) {
      target.note('Tokens without `jti` are refused, so none can outlive a logout.')
      return []
    }
    await logOut(target, one)
    return [
      ...letInAt('a logged-out token without `jti`', await addressesThatLetIn(target, one)),
      ...((await isEndedSoon(target, other))
        ? ['another login without `jti` was ended by that logout, too']
        : []),
    ]
  },
}

/** A token of a login of its own, with this `jti` or none; it expires at a time of its own. */
async function signedFor(
  target: Target,
  { jti, later = 0 }: Readonly<{ jti?: string; later?: number }>,
): Promise<string> {
  const { header, claims } = parseJwt((await target.login()).token)
  const { exp } = claims
  const expiry: JsonObject = typeof exp === 'number' ? { exp: exp + later } : {}
  // A member that is undefined is not in JSON.
  return target.sign({ ...claims, ...expiry, jti }, header)
}
