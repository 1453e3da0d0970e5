import { createHash } from 'node:crypto'
import type { RedisClient } from './connection.js'

const digests = new Map<string, string>()

function digestOf(script: string): string {
  const known = digests.get(script) ?? createHash('sha1').update(script).digest('hex')
  digests.set(script, known)
  return known
}

/** Runs a script by its name, and with its text where Redis does not know it. */
export async function runScript(
  client: RedisClient,
  script: string,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const run = (command: string, named: string) =>
    client.sendCommand([command, named, String(keys.length), ...keys, ...args])
  try {
    return await run('EVALSHA', digestOf(script))
  } catch (error) {
    // A Redis that restarted or failed over does not know the script.
    if (answeredWith(error, 'NOSCRIPT')) return run('EVAL', script)
    throw error
  }
}

/** Whether Redis's answer was an error that begins with this word. */
export const answeredWith = (error: unknown, word: string): boolean =>
  error instanceof Error && error.message.startsWith(word)
