import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { withDeadlineSignal } from '../runtime/http-client.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** The longest time that a command may take. */
const commandMs = 60_000

/** A command of the configuration, and what the configuration calls it. */
type Command = Readonly<{ name: string; line: string; env: Environment; closing?: AbortSignal }>

/**
 * Runs a command in the shell. A process that it leaves in the background goes on.
 *
 * @throws Error when it fails
 */
export const runCommand = (command: Command): Promise<void> =>
  withDeadlineSignal(commandMs, command.closing, async ({ signal }) => {
    const child = start(command, 'ignore', signal)
    checkEnd(command.name, (await once(child, 'exit')) as End)
  })

/**
 * Runs a command in the shell, and answers what it printed.
 *
 * @throws Error when it fails; what it printed is not in the message, since it may be a token
 */
export const outputOf = (command: Command): Promise<string> =>
  withDeadlineSignal(commandMs, command.closing, async ({ signal }) => {
    const child = start(command, 'pipe', signal)
    const [printed, end] = await Promise.all([
      child.stdout === null ? '' : text(child.stdout),
      once(child, 'close') as Promise<End>,
    ])
    checkEnd(command.name, end)
    return printed
  })

const start = ({ line, env }: Command, stdout: 'ignore' | 'pipe', signal: AbortSignal) =>
  spawn(line, {
    shell: true,
    env: env,
    stdio: ['ignore', stdout, 'ignore'],
    signal,
  })

type End = [code: number | null, signal: NodeJS.Signals | null]

function checkEnd(name: string, [code, signal]: End): void {
  if (code !== 0)
    throw new Error(
      code === null ? `${name} was ended by ${signal}` : `${name} ended with status ${code}`,
    )
}
