import { request, type OutgoingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { ChildProcess } from 'node:child_process'
import { secretOf } from './clients.js'
import { runMain } from './instance.js'
import { saw } from './leaks.js'
import { end, freePort, until } from './processes.js'
import { hmacSecret } from './tokens.js'

export type TestAgent = {
  child: ChildProcess
  output: { out: string; err: string }
  origin: string
  admin: string
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** The agent in its own process, beside a service. Waits until the agent listens. */
export async function startAgent(
  service: string,
  env: Record<string, string> = {},
): Promise<TestAgent> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const agent = runAgent(service, {
    AGENT_PORT: String(port),
    AGENT_ADMIN_PORT: String(adminPort),
    ...env,
  })
  await until('the agent listens', () => {
    if (agent.child.exitCode !== null) throw new Error(`it ended: ${agent.output.err}`)
    return agent.output.out.includes('"listening"')
  })
  return {
    ...agent,
    origin: `http://127.0.0.1:${port}`,
    admin: `http://127.0.0.1:${adminPort}`,
    async stop(signal = 'SIGTERM') {
      await end(agent.child, signal)
      saw(agent.output.out)
    },
  }
}

export const runAgent = (service: string, env: Record<string, string>) =>
  runMain({
    args: ['agent'],
    env: {
      JWT_SECRET: hmacSecret,
      JWT_ISSUER: 'https://issuer.test',
      CIERRE_URL: service,
      CIERRE_CLIENT_ID: 'all',
      CIERRE_CLIENT_SECRET: secretOf('all'),
      ...env,
    },
  })

/** One request over a Unix socket. */
export async function sendOver(
  socketPath: string,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number | undefined; text: string }> {
  const sent = request({ socketPath, path: '/', headers, agent: false }).end()
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  return { status: response.statusCode, text: await text(response) }
}
