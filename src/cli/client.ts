import { createHash, randomBytes } from 'node:crypto'
import { permissions } from '../access/clients.js'
import type { CliCommand } from './command.js'
import type { Io } from './io.js'

export const clientCommand: CliCommand = {
  name: 'client',
  help: 'make a machine client: prints a secret, once, and its entry for CLIENTS',
  options: [
    { flags: '--id <id>', help: 'its name', isRequired: true },
    {
      flags: '--allow <permissions>',
      help: `comma list of ${permissions.join(', ')}`,
      isRequired: true,
    },
    {
      flags: '--audiences <names>',
      help: 'comma list of the `aud` values that it may ask about',
    },
    { flags: '--claims <names>', help: 'comma list of further claims that introspection tells it' },
  ],
  run: makeClient,
}

type Options = { id: string; allow: string; audiences?: string; claims?: string }

async function makeClient(
  { stdout }: Io,
  { id, allow, audiences, claims }: Options,
): Promise<number> {
  const allowed = itemsOf(allow)
  const unknown = allowed.filter((name) => !permissions.some((permission) => permission === name))
  if (unknown.length > 0)
    throw new Error(
      `unknown permission ${unknown.join(', ')}; the permissions are ${permissions.join(', ')}`,
    )
  const secret = randomBytes(32).toString('base64url')
  const entry = {
    id,
    secretSha256: [createHash('sha256').update(secret).digest('hex')],
    allow: allowed,
    ...(audiences !== undefined && { audiences: itemsOf(audiences) }),
    ...(claims !== undefined && { claims: itemsOf(claims) }),
  }
  stdout.write(
    `The secret, shown this once:\n\n  ${secret}\n\nThe entry for CLIENTS:\n\n  ${JSON.stringify(entry)}\n\n`,
  )
  return 0
}

const itemsOf = (list: string) => list.split(',').map((item) => item.trim())
