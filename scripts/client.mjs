// Makes a machine client: npm run client -- --id api --allow introspect,revoke [--audiences api]
import { createHash, randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'

const permissions = ['introspect', 'revoke', 'feed', 'audit']
const usage = `usage: npm run client -- --id NAME --allow ${permissions.join(',')} [--audiences NAME,NAME]`

function fail(message) {
  console.error(`${message}\n${usage}`)
  process.exit(1)
}

function read() {
  try {
    return parseArgs({ options: { id: { type: 'string' }, allow: { type: 'string' }, audiences: { type: 'string' } } }).values
  } catch (error) {
    return fail(error.message)
  }
}

const { id, allow, audiences } = read()
if (!id || !allow) fail('--id and --allow are needed')
const allowed = allow.split(',')
const unknown = allowed.filter((one) => !permissions.includes(one))
if (unknown.length > 0) fail(`nobody knows the permission ${unknown.join(', ')}`)

const secret = randomBytes(32).toString('base64url')
const entry = {
  id,
  secretSha256: [createHash('sha256').update(secret).digest('hex')],
  allow: allowed,
  ...(audiences && { audiences: audiences.split(',') }),
}
console.log(`The secret, shown this once:\n\n  ${secret}\n\nThe entry for CLIENTS:\n\n  ${JSON.stringify(entry)}\n`)
