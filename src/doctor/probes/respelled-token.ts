import { respellings, type Variant } from '../jwt.js'
import type { Probe } from '../probe.js'
import { addressesThatLetIn, endedLogin, letInAt, refusedAfterMs } from '../steps.js'
import type { Address, Target } from '../target.js'

export const respelledToken: Probe = {
  name: 'other spellings of the token',
  why: 'A denylist of token texts misses the same token in another spelling, which lenient verifiers take.',
  clause: 'RFC 7515 §2, RFC 4648 §3.5, OWASP ASVS 5.0 7.4.1',
  needs: [],
  async run(target) {
    const { token } = await endedLogin(target)
    const variants = respellings(token)
    const letIn: string[] = []
    for (const address of target.addresses)
      letIn.push(...(await letInFor(target, address, token, variants)))
    return [...letIn, ...(await logOutBySpelling(target))]
  },
}

/** Asks with each spelling, once the address refuses the token as it was. */
async function letInFor(
  target: Target,
  address: Address,
  token: string,
  variants: readonly Variant[],
): Promise<string[]> {
  await refusedAfterMs(target, address, token)
  const taken: string[] = []
  for (const { how, text } of variants) if ((await target.ask(address, text)).isIn) taken.push(how)
  return taken.length === 0
    ? []
    : letInAt(`the logged-out token, respelled (${taken.join(', ')}),`, [address])
}

/** A logout that accepts another spelling must end the token itself. */
async function logOutBySpelling(target: Target): Promise<string[]> {
  const { token } = await target.login()
  for (const { how, text } of respellings(token)) {
    if (!(await target.logout(text)).isIn) continue
    const letIn = await addressesThatLetIn(target, token)
    return letInAt(`a token that was logged out in another spelling (${how})`, letIn)
  }
  return []
}
