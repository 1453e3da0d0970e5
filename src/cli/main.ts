import { EventEmitter, once } from 'node:events'

// Before anything that takes time to load: a signal during the start must not be lost, least of all by process 1 of a container.
// On a terminal a SIGHUP says that the terminal is gone; elsewhere the service reads its files again.
const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
const ends = ['SIGTERM', 'SIGINT', ...(hasTerminal ? ['SIGHUP'] : [])]
const hangups = new EventEmitter()
const stopped = Promise.race(
  ends.map(async (signal) => {
    await once(process, signal)
    // npm passes on the Ctrl-C that the terminal has already sent to the whole group: further signals change nothing.
    process.on(signal, () => undefined)
    return signal
  }),
)

if (!hasTerminal) process.on('SIGHUP', () => hangups.emit('hangup'))

const [command = 'serve'] = process.argv.slice(2)
if (command === 'serve' && process.argv.length <= 3) await serveUntilStopped()
else await runCommand()

async function serveUntilStopped(): Promise<never> {
  const { serve } = await import('../service/serve.js')
  try {
    await serve(process.env, {
      stopped,
      onHangup: (listener) => void hangups.on('hangup', listener),
    })
    process.exit(0)
  } catch (error) {
    const lines = (error as Error).message.split('\n')
    process.stderr.write(`cierre cannot start:\n${lines.map((line) => `  ${line}\n`).join('')}`)
    process.exit(1)
  }
}

async function runCommand(): Promise<void> {
  const { runCli } = await import('./program.js')
  const { stdin, stdout, stderr } = process
  // Whoever reads it, such as `head`, has had enough.
  stdout.on('error', () => process.exit(0))
  // What ends by itself at Ctrl-C does so first.
  void stopped.then(() => setTimeout(() => process.exit(130), 500).unref())
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    stdin,
    stdout,
    stderr,
    stopped,
  })
}
