import type { Io } from './io.js'

/** An option of a command. */
export type CommandOption = Readonly<{
  /** As the help shows it: `--sub <subject>`. */
  flags: string
  help: string
  isRequired?: true
  /** @throws Error that says what the value must be */
  parse?: (text: string) => unknown
  choices?: readonly string[]
}>

/** A command as data; `program.ts` hands it to the parser of the command line. */
export type CliCommand = Readonly<{
  name: string
  help: string
  options: readonly CommandOption[]
  /** What the help says after the options. */
  more?: string
  /** Resolves with the exit code: 0 done, 1 refused or not active, 2 unknown or not understood. */
  run(io: Io, options: object): Promise<number>
}>

/** Options of every command that sends requests to a service. */
export const serviceOption: CommandOption = {
  flags: '--url <origin>',
  help: 'origin of the service ($CIERRE_URL, else http://127.0.0.1:3000)',
}

export const clientOption: CommandOption = {
  flags: '--client-id <id>',
  help: 'machine client ($CIERRE_CLIENT_ID); its secret is read from $CIERRE_CLIENT_SECRET, or its private key from the file $CIERRE_CLIENT_KEY_FILE',
}

/** Whose name it is: `--iss` or `--no-iss`. */
export const issuerOptions: readonly CommandOption[] = [
  { flags: '--iss <issuer>', help: 'issuer of the name, as its tokens have it' },
  { flags: '--no-iss', help: 'the tokens have no iss' },
]

export function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new Error('It must be a whole number.')
  return Number(text)
}
