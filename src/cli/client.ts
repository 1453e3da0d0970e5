import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { permissions } from '../access/client.js'
import type { CliCommand } from './command.js'
import type { Io } from './io.js'

export const clientCommand: CliCommand = {
  name: 'client',
  help: 'make a machine client: prints a secret, once, or writes a private key; and prints its entry for CLIENTS',
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
    {
      flags: '--key-file <path>',
      help: 'write a new private key to this file, in the place of a secret (private_key_jwt)',
    },
    { flags: '--claims <names>', help: 'comma list of further claims that introspection tells it' },
  ],
  run: makeClient,
}

type Options = {
  id: string
  allow: string
  keyFile?: string
  audiences?: string
  claims?: string
}

async function makeClient(
  { stdout }: Io,
  { id, allow, keyFile, audiences, claims }: Options,
): Promise<number> {
  const allowed = itemsOf(allow)
  const unknown = allowed.filter((name) => !permissions.some((permission) => permission === name))
  if (unknown.length > 0)
    throw new Error(
      `unknown permission ${unknown.join(', ')}; the permissions are ${permissions.join(', ')}`,
    )
  const { credential, shown } = keyFile === undefined ? newSecret() : newKey(keyFile)
  const entry = {
    id,
    ...credential,
    allow: allowed,
    ...(audiences !== undefined && { audiences: itemsOf(audiences) }),
    ...(claims !== undefined && { claims: itemsOf(claims) }),
  }
  stdout.write(`${shown}\n\nThe entry for CLIENTS:\n\n  ${JSON.stringify(entry)}\n\n`)
  return 0
}

/** A part of an entry of `CLIENTS`, and what is printed before the entry. */
type Made = Readonly<{ credential: object; shown: string }>

function newSecret(): Made {
  const secret = randomBytes(32).toString('base64url')
  const secretSha256 = [createHash('sha256').update(secret).digest('hex')]
  return { credential: { secretSha256 }, shown: `The secret, shown this once:\n\n  ${secret}` }
}

/** @throws Error when the file exists, or cannot be written */
function newKey(path: string): Made {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  try {
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new Error(`the private key cannot be written to a new file ${path} (${code})`, {
      cause: error,
    })
  }
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] }
  return { credential: { jwks }, shown: `The private key is in ${path}.` }
}

const itemsOf = (list: string) => list.split(',').map((item) => item.trim())
