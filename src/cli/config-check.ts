import type { CliCommand } from './command.js'
import { plain } from './event-text.js'

export const configCheckCommand: CliCommand = {
  name: 'config check',
  help: 'read the environment as the service would, try store and key sets, and change nothing',
  options: [],
  async run({ env, stdout }) {
    // With it comes the service, which other commands do not wait for.
    const { checkConfig } = await import('../service/check-config.js')
    const isGood = await checkConfig(env, (line) => void stdout.write(`${plain(line)}\n`))
    stdout.write(isGood ? 'nothing wrong was found\n' : 'something is wrong\n')
    return isGood ? 0 : 1
  },
}
