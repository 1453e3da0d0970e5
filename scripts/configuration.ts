// Makes generated/configuration.md from the tables of environment variables.
import { agentVariables } from '../src/config/agent-variables.js'
import { optionNames } from '../src/config/option-names.js'
import type { Variable } from '../src/config/variable.js'
import { variables } from '../src/config/variables.js'

const introduction = `# Configuration

Made from \`src/config/variables.ts\` and \`src/config/agent-variables.ts\` by \`npm run generate\`.

The service is configured by environment variables, which are all checked at start: every fault is reported at once, and then the service
exits with code 1. An empty variable counts as not set, except where the table says otherwise. A variable with a ✓ under \`_FILE\` may be given
as a file: \`NAME_FILE\` names the file, and SIGHUP makes the service read it again.
`

const agent = (shared: readonly string[]) => `
# The agent

\`cierre agent\` checks its variables at start, as the service does. These have the meaning and the defaults that they have for the service,
and must be set alike: ${shared
  .filter((name) => name !== 'CLIENTS' && name !== 'LOG_LEVEL')
  .map((name) => `\`${name}\``)
  .join(', ')}.
\`LOG_LEVEL\` is as for the service, too. \`CLIENTS\` are the machine clients, with a secret, that may introspect at the admin address; without
any, introspection is served on a loopback address alone. The agent reads its files at start only.
`

const embedded = `
# Inside an app

\`createCierre\` of \`cierre/embedded\` takes the same settings as values, which the type \`CierreOptions\` describes. It checks them as the
service does, with the same defaults, and throws one TypeError that has every fault. A list is an array. A single issuer is an entry of
\`issuers\`, and may leave out its \`issuer\`.

| option | variable |
|---|---|
${Object.entries(optionNames)
  .map(([name, option]) => `| \`${option}\` | \`${name}\` |\n`)
  .join(
    '',
  )}| \`log\` | none: an object with a function \`write\` for log lines. Standard output unless given. |
| \`otherPaths\` | none: \`health\`, \`metrics\`, \`openapi\`, \`docs\`, those of the service's other paths that are answered. None unless given. |
`

const commandLine = `
## The command line

The commands other than \`serve\` and \`agent\` read these variables:

| variable | default | meaning |
|---|---|---|
| \`CIERRE_URL\` | \`http://127.0.0.1:3000\` | Origin of the service that a command talks to: \`https:\`, or \`http:\` on a loopback address; \`--url\` takes precedence. |
| \`CIERRE_INSECURE\` | | With \`true\`, the origin may be \`http:\` in a private network, too. |
| \`CIERRE_CLIENT_ID\` | | Machine client of \`revoke\`, \`why\`, \`audit\` and \`erase\`; \`--client-id\` takes precedence. |
| \`CIERRE_CLIENT_SECRET\` | | Secret of that machine client. |
| \`CIERRE_CLIENT_KEY_FILE\` | | File with its private key (PEM or JWK), instead of a secret. |
| \`CIERRE_AUDIENCE\` | | \`PUBLIC_URL\` of the service, which the assertions of a private key are for, where it is not the origin above. |
`

/** The reference of all variables, in Markdown. */
export function configurationPage(): string {
  const rows: [string, Variable][] = Object.entries(variables)
  const ofAgent: [string, Variable][] = Object.entries(agentVariables)
  const shared = ofAgent.filter(([name]) => name in variables)
  const own = ofAgent.filter(([name]) => !(name in variables))
  return [
    introduction,
    ...rows.map(rowOf),
    agent(shared.map(([name]) => name)),
    ...own.map(rowOf),
    commandLine,
    embedded,
  ].join('')
}

function rowOf([name, variable]: [string, Variable]): string {
  const value = variable.default === undefined ? '' : `\`${variable.default}\``
  const cells = [`\`${name}\``, value, variable.unit ?? '', variable.orFile ? '✓' : '']
  return `${headOf(variable)}| ${cells.join(' | ')} | ${variable.help} |\n`
}

const headOf = ({ section }: Variable) =>
  section === undefined
    ? ''
    : `\n## ${section}\n\n| variable | default | unit | \`_FILE\` | meaning |\n|---|---|---|---|---|\n`
