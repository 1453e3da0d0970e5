import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { nearest } from '../runtime/nearest.js'
import { version } from '../telemetry/version.js'
import { agentCommand } from './agent.js'
import { auditCommand } from './audit.js'
import { checkCommand } from './check.js'
import { clientCommand } from './client.js'
import { configCheckCommand } from './config-check.js'
import type { CliCommand, CommandOption } from './command.js'
import { eraseCommand } from './erase.js'
import { doctorCommand } from './doctor.js'
import type { Io } from './io.js'
import { revokeCommand } from './revoke.js'
import { tokenCommand } from './token.js'
import { whyCommand } from './why.js'

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
  configCheckCommand,
  tokenCommand,
  clientCommand,
  revokeCommand,
  checkCommand,
  whyCommand,
  auditCommand,
  eraseCommand,
  doctorCommand,
]

const commandNames = commands.map(({ name }) => name.split(' ')[0] ?? '')

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
    .showHelpAfterError('(cierre --help lists the commands)')
    .showSuggestionAfterError(false)
    .configureOutput({
      outputError: (text, write) => write(withNearest(text, [], commandNames)),
    })

function addCommand(
  program: Command,
  { name, help, options, more }: CliCommand,
  action: (options: object) => Promise<void>,
): void {
  const [last = '', ...groups] = name.split(' ').reverse()
  const group = groups.reverse().reduce(groupFor(`${last}: ${help}`), program)
  const command = group
    .command(last)
    .description(help)
    .showHelpAfterError(`(cierre ${name} --help shows how it is used)`)
    .configureOutput({ outputError: (text, write) => write(withNearest(text, options)) })
    .action(action)
  for (const option of options) command.addOption(optionOf(option))
  refuseTwice(command)
  if (more !== undefined) command.addHelpText('after', more)
}

/**
 * The error about an unknown option or command, with the name that is most like it. Commander's own
 * suggestion may differ from what was typed in more than half of its letters.
 */
function withNearest(text: string, options: readonly CommandOption[], commands: string[] = []) {
  const [, kind, given = ''] = /^error: unknown (option|command) '(.*)'/.exec(text) ?? []
  if (kind === undefined) return text
  const flags = [...options.map(({ flags }) => flags.split(' ')[0] ?? ''), '--help']
  const name = nearest(given, kind === 'option' ? flags : commands)
  return name === undefined ? text : `${text.trimEnd()}\n(Did you mean ${name}?)\n`
}

/**
 * Refuses a repeated option, and one beside its opposite: all but the last would be left out. An
 * option of several values may be repeated.
 */
function refuseTwice(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options.filter(({ variadic }) => !variadic))
    command.on(`option:${option.name()}`, () => {
      const name = option.attributeName()
      if (given.has(name))
        command.error(`error: option '${option.long}' is given twice, or beside its opposite`)
      given.add(name)
    })
}

/** The command that holds others, such as `config`. */
const groupFor =
  (description: string) =>
  (program: Command, name: string): Command =>
    program.commands.find((command) => command.name() === name) ??
    program.command(name).description(description)

function optionOf({ flags, help, isRequired, parse, choices }: CommandOption): Option {
  const option = new Option(flags, help)
  if (isRequired) option.makeOptionMandatory()
  if (parse) option.argParser((text) => parsed(parse, text))
  if (choices) option.choices([...choices])
  return option
}

function parsed(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
