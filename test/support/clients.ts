import { createHash, randomBytes } from 'node:crypto'
import type { CierreClient } from '../../src/embedded.js'
import { plant } from './leaks.js'

const secrets = {
  deaf: plant(randomBytes(32).toString('base64url')),
  all: plant(randomBytes(32).toString('base64url')),
  narrow: plant(randomBytes(32).toString('base64url')),
  powerless: plant(randomBytes(32).toString('base64url')),
}
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex')

/**
 * Machine clients: `all` may do everything, `narrow` only for its audience, `powerless` may only
 * read the feed, `deaf` may only introspect, and is told further claims.
 */
export const clients: readonly CierreClient[] = [
  {
    id: 'all',
    secretSha256: [hash('an older secret'), hash(secrets.all)],
    allow: ['introspect', 'revoke', 'feed', 'audit', 'erase'],
  },
  {
    id: 'narrow',
    secretSha256: hash(secrets.narrow),
    allow: ['introspect', 'revoke'],
    audiences: ['narrow'],
  },
  { id: 'powerless', secretSha256: hash(secrets.powerless), allow: ['feed'] },
  {
    id: 'deaf',
    secretSha256: hash(secrets.deaf),
    allow: ['introspect'],
    claims: ['role', 'nested', 'aud', '__proto__', 'toString'],
  },
]
/** The same as `CLIENTS`. */
export const clientsVariable = JSON.stringify(clients)

export type ClientName = keyof typeof secrets
export const secretOf = (client: ClientName) => secrets[client]
export const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
export const asClient = (client: ClientName = 'all') => ({
  authorization: basic(client, secrets[client]),
})
