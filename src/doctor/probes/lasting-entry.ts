import { parseJwt } from '../jwt.js'
import type { Probe } from '../probe.js'
import { endedLogin, letInAt, logOut, refusedAfterMs, requireIn } from '../steps.js'
import type { Target } from '../target.js'

export const lastingEntry: Probe = {
  name: 'the token some time later',
  why: 'An entry that ends before its token lets that token in again.',
  clause: 'OWASP ASVS 5.0 7.4.1',
  needs: [],
  async run(target) {
    const { token } = await endedLogin(target)
    const [address] = target.addresses
    if ((await refusedAfterMs(target, address, token)) === undefined)
      return letInAt('the logged-out token', [address])
    target.note(
      `A logged-out token was watched for ${target.times.watchMs / 1000} s; an entry that ends later is not found (limits.watchSeconds).`,
    )
    return [...(await aroundExpiry(target)), ...(await watched(target, token))]
  },
}

const pauseMs = 1_000

async function watched(target: Target, token: string): Promise<string[]> {
  const [address] = target.addresses
  const startMs = performance.now()
  for (;;) {
    const afterMs = performance.now() - startMs
    if ((await target.ask(address, token)).isIn)
      return letInAt(`the token, ${Math.round(afterMs / 1000)} s after its logout,`, [address])
    if (afterMs >= target.times.watchMs) return []
    await target.pause(Math.min(pauseMs, target.times.watchMs - afterMs))
  }
}

const lifetimeS = 3

/** An API with leeway takes a token for a while after its expiry, when its entry may be gone. */
async function aroundExpiry(target: Target): Promise<string[]> {
  if (target.lacks('sign')) return []
  const { header, claims } = parseJwt((await target.login()).token)
  const exp = Math.floor(Date.now() / 1000) + lifetimeS
  const token = await target.sign({ ...claims, exp, jti: 'doctor-short' }, header)
  await requireIn(target, 'a token that was signed with `sign`', token)
  await logOut(target, token)
  await target.pause(exp * 1000 - Date.now() + pauseMs)
  const [address] = target.addresses
  const isIn = (await target.ask(address, token)).isIn
  return letInAt('a logged-out token, once it has expired,', isIn ? [address] : [])
}
