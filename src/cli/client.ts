import { createHash, randomBytes } from 'node:crypto'
import { permissions } from '../access/clients.js'
import type { Io } from './io.js'

export async function makeClient(
  { stdout }: Io,
  { id, allow, audiences }: { id: string; allow: string; audiences?: string },
): Promise<number> {
  const allowed = allow.split(',').map((one) => one.trim())
  const unknown = allowed.filter((one) => !permissions.some((known) => known === one))
  if (unknown.length > 0)
    throw new Error(
      `nobody knows the permission ${unknown.join(', ')}; there are ${permissions.join(', ')}`,
    )
  const secret = randomBytes(32).toString('base64url')
  const entry = {
    id,
    secretSha256: [createHash('sha256').update(secret).digest('hex')],
    allow: allowed,
    ...(audiences !== undefined && { audiences: audiences.split(',').map((one) => one.trim()) }),
  }
  stdout.write(
    `The secret, shown this once:\n\n  ${secret}\n\nThe entry for CLIENTS:\n\n  ${JSON.stringify(entry)}\n\n`,
  )
  return 0
}
