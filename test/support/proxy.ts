import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A network between the service and Redis, or between a guard and the service, which a test can cut. */
export type TestProxy = {
  url: string
  /** From now on the open connections stay open and carry nothing, either way. */
  swallow(): void
  stop(): Promise<void>
}

/**
 * @param port where a new connection leads to
 * @param onRequest gets each piece that is sent before it arrives, and decides: `pass` it on, `cut` the
 *   connection, pass it on and `lose the answer`, or pass on another text `instead`
 * @param onAnswer gets each piece of the answers, and gives the text to pass on
 */
export async function startProxy(
  port: () => number,
  onRequest: (text: string) => Promise<'pass' | 'cut' | 'lose the answer' | { instead: string }>,
  onAnswer?: (text: string) => string,
): Promise<TestProxy> {
  const answered = (chunk: Buffer) =>
    onAnswer === undefined ? chunk : Buffer.from(onAnswer(chunk.toString('latin1')), 'latin1')
  const sockets = new Set<Socket>()
  const swallowed = new WeakSet<Socket>()
  const server = createServer((near) => {
    const far = connect(port(), '127.0.0.1')
    let deaf = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
        sockets.delete(socket)
      })
    }
    const forward = async (chunk: Buffer) => {
      if (swallowed.has(near)) return undefined
      const fate = await onRequest(chunk.toString('latin1'))
      if (fate === 'cut') return near.destroy()
      if (fate === 'lose the answer') deaf = true
      far.write(typeof fate === 'object' ? Buffer.from(fate.instead, 'latin1') : chunk)
      return undefined
    }
    let turn: Promise<unknown> = Promise.resolve()
    near.on('data', (chunk: Buffer) => {
      turn = turn.then(() => forward(chunk))
    })
    far.on('data', (chunk: Buffer) => {
      if (deaf) near.destroy()
      else if (!swallowed.has(near)) near.write(answered(chunk))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: () => sockets.forEach((socket) => swallowed.add(socket)),
    async stop() {
      sockets.forEach((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}
