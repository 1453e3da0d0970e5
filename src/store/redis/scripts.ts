import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RedisClient } from './client.js'
import type { RedisLink } from './connection.js'

/** A Lua script, and the SHA-1 digest by which Redis knows it after the first call. */
export type Script = Readonly<{ text: string; digest: string }>

/**
 * Reads a script from the files of these names beside this one; all but the last have functions for
 * it. The build copies the files to `dist`. Nothing is substituted in the text: whatever varies is an
 * argument of the script.
 */
export function readScript(...files: readonly `${string}.lua`[]): Script {
  const text = files.map((file) => readFileSync(new URL(file, import.meta.url), 'utf8')).join('\n')
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}

/** Runs a script by its digest, and by its text where Redis does not know the digest. */
export async function runScript(
  client: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const run = (command: string, named: string) =>
    client.sendCommand([command, named, String(keys.length), ...keys, ...args])
  try {
    return await run('EVALSHA', script.digest)
  } catch (error) {
    // A Redis that restarted or failed over does not know the script.
    if (answeredWith(error, 'NOSCRIPT')) return run('EVAL', script.text)
    throw error
  }
}

/** Whether Redis's answer was an error that begins with this word. */
export const answeredWith = (error: unknown, word: string): boolean =>
  error instanceof Error && error.message.startsWith(word)

/** What follows a word by which Redis's answer begins; `undefined` for another answer. */
export const answerAfter = (error: unknown, word: string): string | undefined =>
  answeredWith(error, `${word} `) ? (error as Error).message.slice(word.length + 1) : undefined

/** Runs a script over the present connection of a link. */
export const runScriptOn = (
  link: Pick<RedisLink, 'run'>,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> => link.run((client) => runScript(client, script, keys, args))
