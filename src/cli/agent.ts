import type { CliCommand } from './command.js'

/** `main.ts` runs the agent; the command stands here for the help, and to refuse options. */
export const agentCommand: CliCommand = {
  name: 'agent',
  help: 'answer checks beside an API; environment variables configure it (generated/configuration.md)',
  options: [],
  run: async () => 0,
}
