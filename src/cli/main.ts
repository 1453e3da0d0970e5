import { EventEmitter, once } from 'node:events'
import { setFlagsFromString } from 'node:v8'

// Signal handlers come before anything that takes time to load: a signal during the start must not
// be lost, least of all by process 1 of a container.
// A terminal sends SIGHUP when it closes. Without a terminal, SIGHUP makes the service read its
// files again.
const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
const endSignals = ['SIGTERM', 'SIGINT', ...(hasTerminal ? ['SIGHUP'] : [])]
const hangups = new EventEmitter()
const stopped = Promise.race([
  npmEnded(),
  ...endSignals.map(async (signal) => {
    await once(process, signal)
    // npm passes on a Ctrl-C that the terminal has already sent to the whole process group, so a
    // repeated signal is ignored.
    process.on(signal, () => undefined)
    return signal
  }),
])

if (!hasTerminal) process.on('SIGHUP', () => hangups.emit('hangup'))

const [command = 'serve'] = process.argv.slice(2)
const isAlone = process.argv.length <= 3
if (command === 'serve' && isAlone) await untilStopped('cierre', serve)
else if (command === 'agent' && isAlone) await untilStopped('cierre agent', agent)
else await runCommand()

/**
 * `npx cierre` and `npm start` run this process in a shell. npm sends a signal to that shell alone,
 * which ends without passing it on, so the end of the shell counts as SIGTERM.
 */
function npmEnded(): Promise<string> {
  const { env, ppid: shell } = process
  return new Promise((resolve) => {
    if (env['npm_lifecycle_event'] === undefined) return
    setInterval(() => process.ppid !== shell && resolve('SIGTERM'), 200).unref()
  })
}

async function serve(): Promise<void> {
  // V8 would learn to allocate what koa-openapi keeps of a request in the old space, where it holds
  // the whole request until the next full collection: 4 to 6 % of the CPU of a logout.
  setFlagsFromString('--no-allocation-site-pretenuring')
  const { serve } = await import('../service/serve.js')
  const onHangup = (listener: () => void) => void hangups.on('hangup', listener)
  await serve(process.env, { stopped, onHangup, destination: await readableLog() })
}

/** `npm start` on a terminal, except in production, prints for the person who typed it. */
async function readableLog() {
  const { npm_lifecycle_event: script, NODE_ENV: environment } = process.env
  if (!process.stdout.isTTY || script !== 'start' || environment === 'production') return undefined
  const { prettyLines } = await import('../telemetry/pretty-log.js')
  return prettyLines((text) => process.stdout.write(text))
}

async function agent(): Promise<void> {
  const { runAgent } = await import('../agent/run.js')
  await runAgent(process.env, stopped)
}

async function untilStopped(name: string, run: () => Promise<void>): Promise<never> {
  try {
    await run()
    process.exit(0)
  } catch (error) {
    const lines = (error as Error).message.split('\n')
    process.stderr.write(`${name} cannot start:\n${lines.map((line) => `  ${line}\n`).join('')}`)
    process.exit(1)
  }
}

async function runCommand(): Promise<void> {
  const { runCli } = await import('./program.js')
  const { stdin, stdout, stderr } = process
  // A reader of the output, such as `head`, may close it early.
  stdout.on('error', () => process.exit(0))
  // A command that handles Ctrl-C itself has half a second to end.
  void stopped.then(() => setTimeout(() => process.exit(130), 500).unref())
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    stdin,
    stdout,
    stderr,
    stopped,
  })
}
