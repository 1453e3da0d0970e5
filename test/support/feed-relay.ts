import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type FeedPart = 'snapshot' | 'events' | 'position'

/** An answer of the feed on its way to a follower. It is relayed unless `take` takes it over. */
export type Relayed = Readonly<{
  part: FeedPart
  /** Counts the requests of this part, from 1. */
  number: number
  answer: IncomingMessage
  outgoing: ServerResponse
}>

/**
 * An HTTP relay between a follower and the feed of a service.
 *
 * @param take may write the body of an answer, whose head is sent already; `false` leaves that to
 *   the relay
 */
export async function startFeedRelay(target: string, take: (relayed: Relayed) => boolean) {
  const counts: Record<FeedPart, number> = { snapshot: 0, events: 0, position: 0 }
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    const part = /revocations\/(\w+)/.exec(url)?.[1] as FeedPart
    const number = (counts[part] += 1)
    const forwarded = request(`${target}${url}`, { method, headers, agent: false })
    outgoing.on('close', () => forwarded.destroy())
    forwarded.on('error', () => outgoing.destroy())
    forwarded.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      outgoing.flushHeaders()
      answer.on('error', () => outgoing.destroy())
      if (!take({ part, number, answer, outgoing })) answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How many requests of this part there were. */
    requests: (part: FeedPart) => counts[part],
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
