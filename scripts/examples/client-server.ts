// A server that introspects and revokes tokens, as a machine client with the permissions
// `introspect` and `revoke`.
import { createClient } from 'cierre/client'

type Service = { url: string; clientId: string; clientSecret: string }

export function createServiceClient({ url, ...credentials }: Service) {
  const client = createClient({ baseUrl: url, credentials })
  return {
    /** Whether the token is active. Throws while this is unknown, which does not mean inactive. */
    async isActive(token: string): Promise<boolean> {
      const result = await client.introspect(token)
      if (result.status === 200) return result.body.active
      throw new Error('unknown whether the token is active', { cause: result })
    },
    /** Ends every token of a user, for example after a change of password. */
    async logOutEverywhere(iss: string, sub: string): Promise<void> {
      const result = await client.revoke({ iss, sub, reason: 'password_change' })
      if (result.status !== 200)
        throw new Error('unknown whether the revocation is stored: repeat', { cause: result })
    },
  }
}
