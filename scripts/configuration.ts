// Makes generated/configuration.md from the table of environment variables.
import type { Variable } from '../src/config/variable.js'
import { variables } from '../src/config/variables.js'

const introduction = `# Configuration

Made from \`src/config/variables.ts\` by \`npm run generate\`.

The service is configured by environment variables, which are all checked at start: every fault is reported at once, and then the service
exits with code 1. An empty variable counts as not set, except where the table says otherwise. A variable with a ✓ under \`_FILE\` may be given
as a file: \`NAME_FILE\` names the file, and SIGHUP makes the service read it again.
`

const commandLine = `
## The command line

The commands other than \`serve\` also read these variables:

| variable | default | meaning |
|---|---|---|
| \`CIERRE_URL\` | \`http://127.0.0.1:3000\` | Origin of the service that a command talks to; \`--url\` takes precedence. |
| \`CIERRE_CLIENT_ID\` | | Machine client of \`revoke\` and \`audit\`; \`--client-id\` takes precedence. |
| \`CIERRE_CLIENT_SECRET\` | | Secret of that machine client. |
`

/** The reference of all variables, in Markdown. */
export function configurationPage(): string {
  const rows: [string, Variable][] = Object.entries(variables)
  return `${introduction}${rows.map(([name, variable]) => rowOf(name, variable)).join('')}${commandLine}`
}

function rowOf(name: string, variable: Variable): string {
  const value = variable.default === undefined ? '' : `\`${variable.default}\``
  const cells = [`\`${name}\``, value, variable.unit ?? '', variable.orFile ? '✓' : '']
  return `${headOf(variable)}| ${cells.join(' | ')} | ${variable.help} |\n`
}

const headOf = ({ section }: Variable) =>
  section === undefined
    ? ''
    : `\n## ${section}\n\n| variable | default | unit | \`_FILE\` | meaning |\n|---|---|---|---|---|\n`
