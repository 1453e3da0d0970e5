import { createHash } from 'node:crypto'
import { batched } from './batch.js'
import { withDeadline } from './deadline.js'
import type { RedisClient } from './redis.js'

const digests = new Map<string, string>()

function digestOf(script: string): string {
  const known = digests.get(script) ?? createHash('sha1').update(script).digest('hex')
  digests.set(script, known)
  return known
}

/** Runs a script by its name, and with its text where Redis does not know it. */
export async function runScript(client: RedisClient, script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
  const run = (command: string, named: string) => client.sendCommand([command, named, String(keys.length), ...keys, ...args])
  try {
    return await run('EVALSHA', digestOf(script))
  } catch (error) {
    // A Redis that restarted or failed over does not know the script.
    if (answeredWith(error, 'NOSCRIPT')) return run('EVAL', script)
    throw error
  }
}

/** Whether Redis's answer was an error that begins with this word. */
export const answeredWith = (error: unknown, word: string): boolean => error instanceof Error && error.message.startsWith(word)

type ScriptCall = Readonly<{ keys: string[]; arguments: string[] }>

export type LimiterClient = ReturnType<typeof limiterClient>

/**
 * What the rate limiter needs of a client: an answer within a deadline. What it asks of a script in one turn of the event loop is
 * asked with one command.
 */
export function limiterClient(client: RedisClient, timeoutMs: number) {
  const askers = new Map<string, (call: ScriptCall) => Promise<unknown>>()
  const askerOf = (script: string) => {
    const known = askers.get(script) ?? askTogether(client, forEach(script), timeoutMs)
    askers.set(script, known)
    return known
  }
  return {
    eval: (script: string, call: ScriptCall) =>
      askerOf(script)(call).then((answer) => {
        if (answer instanceof Error) throw answer
        return answer
      }),
  }
}

const askTogether = (client: RedisClient, loop: string, timeoutMs: number) =>
  batched(async (calls: ScriptCall[]) => {
    const [first] = calls
    const shape = [String(first?.keys.length), String(first?.arguments.length)]
    const keys = calls.flatMap((call) => call.keys)
    return (await withDeadline(runScript(client, loop, keys, shape.concat(...calls.map((call) => call.arguments))), timeoutMs)) as unknown[]
  }, { most: 64, mayBeOnes: () => false })

/**
 * A script that runs another one for each of many. KEYS and ARGV are those of all in their order, after how many of each one has; what
 * fails for one fails for that one alone.
 */
const forEach = (script: string) => `
local function one(KEYS, ARGV)
${script}
end
local keys, args, answers = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 1, #KEYS / keys do
  local done, answer = pcall(one, { unpack(KEYS, (i - 1) * keys + 1, i * keys) }, { unpack(ARGV, (i - 1) * args + 3, i * args + 2) })
  answers[i] = done and answer or redis.error_reply('ERR not run')
end
return answers
`
