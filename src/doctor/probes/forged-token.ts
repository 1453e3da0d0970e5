import { forgeries } from '../jwt.js'
import type { Probe } from '../probe.js'
import { letInAt } from '../steps.js'
import type { Address } from '../target.js'

export const forgedToken: Probe = {
  name: 'forged tokens',
  why: 'An API that takes a token its issuer did not sign can be entered without any login.',
  clause: 'OWASP ASVS 5.0 9.1.1, 9.1.2, 9.1.3, RFC 8725 §3.1',
  needs: [],
  async run(target) {
    const { token } = await target.login()
    const letIn: string[] = []
    for (const { how, text } of forgeries(token)) {
      const addresses: Address[] = []
      for (const address of target.addresses)
        if ((await target.ask(address, text)).isIn) addresses.push(address)
      letIn.push(...letInAt(`a forged token (${how})`, addresses))
    }
    return letIn
  },
}
