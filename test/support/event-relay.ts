import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fate = 'pass' | 'lose' | 'repeat' | 'delay'

/**
 * An HTTP relay between a follower and the service that passes answers on in chunks of its own: one
 * for each event of a stream.
 *
 * @param fateOf decides about each event after the first one of a stream; `delay` sends it after the
 *   next
 */
export async function startEventRelay(target: string, fateOf: (event: string) => Fate) {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const forwarded = request(`${target}${url}`, { method, headers, agent: false })
    outgoing.on('close', () => forwarded.destroy())
    forwarded.on('error', () => outgoing.destroy())
    forwarded.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => outgoing.destroy())
      answer.on('close', () => outgoing.destroy())
      if (url?.includes('/events?') === true) relayEvents(answer, outgoing, fateOf)
      else answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function relayEvents(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  fateOf: (event: string) => Fate,
): void {
  let rest = ''
  let delayed = ''
  let seen = 0
  const relay = (event: string) => {
    const isEvent = event.startsWith('id: ')
    seen += isEvent ? 1 : 0
    const fate = isEvent && seen > 1 ? fateOf(event) : 'pass'
    if (fate === 'lose') return
    if (fate === 'delay' && delayed === '') {
      delayed = event
      return
    }
    outgoing.write(fate === 'repeat' ? event + event : event)
    if (isEvent && delayed !== '') outgoing.write(delayed)
    if (isEvent) delayed = ''
  }
  answer.setEncoding('utf8')
  answer.on('data', (text: string) => {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) relay(`${event}\n\n`)
  })
}
