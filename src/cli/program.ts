import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { RevocationReason } from '../audit/audit.js'
import { checkToken } from './check.js'
import { followAudit } from './audit.js'
import { makeClient } from './client.js'
import { type Io } from './io.js'
import { revokeNamed } from './revoke.js'
import { printToken } from './token.js'
import { version } from '../telemetry/version.js'

const reasons: RevocationReason[] = [
  'user_logout',
  'admin',
  'password_change',
  'compromised',
  'account_disabled',
  'replay',
]
const service = [
  '--url <origin>',
  'origin of the service ($CIERRE_URL, else http://127.0.0.1:3000)',
] as const
const client = [
  '--client-id <id>',
  'machine client ($CIERRE_CLIENT_ID); its secret is read from $CIERRE_CLIENT_SECRET',
] as const

/**
 * The command line, without `serve`, which `main.ts` runs.
 *
 * @returns exit code: 0 done, 1 refused or not so, 2 unknown, or not understood
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let code = 0
  const leave =
    <Options>(work: (io: Io, options: Options) => Promise<number>) =>
    async (options: Options) => {
      code = await work(io, options)
    }
  const program = new Command('cierre')
    .description('Logout that takes effect. Without a command: serve.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showHelpAfterError()
  program
    .command('serve')
    .description(
      'run the service; it is configured by the environment (see the README), and takes no options',
    )
  program
    .command('token')
    .description(
      'print a token to try things with: signed with $JWT_SECRET, else asked of a development service',
    )
    .option('--sub <subject>', 'its subject')
    .option('--sid <session>', 'its session')
    .option('--lifetime <seconds>', 'how long it lives', seconds)
    .option(...service)
    .action(leave(printToken))
  program
    .command('client')
    .description('make a machine client: prints a secret, once, and its entry for CLIENTS')
    .requiredOption('--id <id>', 'its name')
    .requiredOption('--allow <permissions>', 'comma list of introspect, revoke, feed, audit')
    .option('--audiences <names>', 'comma list of the `aud` values that it may ask about')
    .action(leave(makeClient))
  program
    .command('revoke')
    .description(
      'revoke a subject, a session, a token id, or the token on standard input; there is no undo',
    )
    .addOption(
      new Option('--reason <word>', 'why, for the audit trail')
        .choices(reasons)
        .makeOptionMandatory(),
    )
    .option('--iss <issuer>', 'issuer of what is named')
    .option('--sub <subject>', 'every token of a subject from up to now')
    .option('--sid <session>', 'every token of a session')
    .option('--jti <id>', 'one token; needs --exp')
    .option('--exp <time>', 'when that token expires, in epoch seconds', seconds)
    .option(...service)
    .option(...client)
    .action(leave(revokeNamed))
  program
    .command('check')
    .description('say whether the token on standard input is in order and not revoked')
    .option(...service)
    .action(leave(checkToken))
  program
    .command('audit')
    .description('print the audit trail, oldest first')
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .option('--last <count>', 'events to begin with', seconds, 20)
    .option('--subject <subject>', 'of this subject only')
    .option('--json', 'one JSON object a line')
    .option(...service)
    .option(...client)
    .action(leave(followAudit))
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    // A slip of the keyboard must not read as "not active".
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    io.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
}

function seconds(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
