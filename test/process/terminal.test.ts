import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { end, freePort, start, until } from '../support/processes.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the log on a terminal', () => {
  /** What a command prints until it listens, with or without a terminal. */
  async function printed(
    command: readonly string[],
    { hasTerminal, env = {} }: { hasTerminal: boolean; env?: Record<string, string> },
  ): Promise<string> {
    const [program = '', ...args] = hasTerminal
      ? ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])', ...command]
      : command
    const child = start(program, args, {
      cwd: root,
      env: { PATH: process.env['PATH'], PORT: String(await freePort()), ...env },
    })
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    try {
      await until('it listens', () => /listening/.test(text) && text.endsWith('\n'))
      return text
    } finally {
      await end(child, 'SIGTERM')
    }
  }
  const json = /^\{"level":"info","time":"[^"]+",.*"msg":"listening/m
  const readable = /^\[\d\d:\d\d:\d\d\] \S*INFO\S*: \S*listening/m

  it('npm start prints for people; in production, and into a pipe, JSON', async () => {
    const npmStart = ['npm', 'start', '--silent']
    const keys = { JWT_SECRET: 's'.repeat(32), REDIS_URL: 'memory:' }
    expect(await printed(npmStart, { hasTerminal: true, env: keys })).to.match(readable)
    expect(
      await printed(npmStart, { hasTerminal: true, env: { ...keys, NODE_ENV: 'production' } }),
    ).to.match(json)
    expect(await printed(npmStart, { hasTerminal: false, env: keys })).to.match(json)
  })

  it('the command itself, as a container runs it, prints JSON', async () => {
    const command = [process.execPath, 'dist/main.js']
    expect(await printed(command, { hasTerminal: true })).to.match(json)
  })
})
