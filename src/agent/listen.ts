import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { ConfigError } from '../config/config.js'
import { withDeadline } from '../runtime/deadline.js'

/** @throws ConfigError for an address that cannot be listened on */
export async function listenOnPort(
  server: Server,
  { host, port }: Readonly<{ host: string; port: number }>,
  names: string,
): Promise<void> {
  server.listen(port, host)
  await listening(server, names)
}

/**
 * Listens on a Unix socket that the owner and the group may use. The file of a process that ended
 * without removing it is replaced.
 *
 * @throws ConfigError when another process listens there, or another kind of file is there
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await removeStaleSocket(path)
  // With this umask the file is made with mode 0660; `chmod` would change the mode too late.
  const umask = process.umask(0o117)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await listening(server, 'AGENT_SOCKET')
}

async function listening(server: Server, names: string): Promise<void> {
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ConfigError([`${names}: ${(cause as Error).message}`])
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new ConfigError([`AGENT_SOCKET: ${path} is there, and is no socket`])
  if (await isLive(path))
    throw new ConfigError([`AGENT_SOCKET: another process listens on ${path}`])
  unlinkSync(path)
}

const connectWithinMs = 1_000

/** Whether a process listens on a socket. A process that does not answer in time counts as live. */
async function isLive(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await withDeadline(once(socket, 'connect'), connectWithinMs)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}
