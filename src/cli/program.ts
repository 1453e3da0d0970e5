import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { isDateTime } from '../runtime/date-time.js'
import { version } from '../telemetry/version.js'
import { agentCommand } from './agent.js'
import { auditCommand } from './audit.js'
import { checkCommand } from './check.js'
import { clientCommand } from './client.js'
import type { CliCommand, CommandOption } from './command.js'
import { eraseCommand } from './erase.js'
import type { Io } from './io.js'
import { revokeCommand } from './revoke.js'
import { tokenCommand } from './token.js'

/** `main.ts` runs the service; the command stands here for the help, and to refuse options. */
const serveCommand: CliCommand = {
  name: 'serve',
  help: 'run the service; environment variables configure it (generated/configuration.md)',
  options: [],
  run: async () => 0,
}

const commands = [
  serveCommand,
  agentCommand,
  tokenCommand,
  clientCommand,
  revokeCommand,
  checkCommand,
  auditCommand,
  eraseCommand,
]

/**
 * Runs a command of the command line, other than `serve` and `agent`.
 *
 * @returns exit code: 0 done, 1 refused or not active, 2 unknown or not understood
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const program = createProgram(io)
  for (const command of commands)
    addCommand(program, command, async (options) => {
      exitCode = await command.run(io, options)
    })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    // A mistyped option must not end with 1, which means "not active".
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    io.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
}

const createProgram = ({ stdout, stderr }: Io): Command =>
  new Command('cierre')
    .description('Logout that takes effect. Without a command: serve.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError()

function addCommand(
  program: Command,
  { name, help, options }: CliCommand,
  action: (options: object) => Promise<void>,
): void {
  const command = program.command(name).description(help).action(action)
  for (const option of options) command.addOption(optionOf(option))
  refuseTwice(command)
}

/** Refuses a repeated option, and one beside its opposite: all but the last would be left out. */
function refuseTwice(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options)
    command.on(`option:${option.name()}`, () => {
      const name = option.attributeName()
      if (given.has(name))
        command.error(`error: option '${option.long}' is given twice, or beside its opposite`)
      given.add(name)
    })
}

function optionOf({
  flags,
  help,
  isRequired,
  isWholeNumber,
  isTime,
  choices,
}: CommandOption): Option {
  const option = new Option(flags, help)
  if (isRequired) option.makeOptionMandatory()
  if (isWholeNumber) option.argParser(wholeNumber)
  if (isTime) option.argParser(time)
  if (choices) option.choices([...choices])
  return option
}

function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function time(text: string): string {
  if (isDateTime(text)) return text
  throw new InvalidArgumentError(
    'It must be a time of RFC 3339 with its offset, such as 2026-11-26T12:00:00Z or 2026-11-26T13:00:00+01:00.',
  )
}
