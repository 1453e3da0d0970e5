import { request } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { feedPath } from './feed-path.js'

/** Follows the feed without a guard. The origin may have a path, where an app has the service. */
export async function follow(origin: string, from: string, headers: Record<string, string>) {
  const { hostname, port, pathname } = new URL(origin)
  const asked = request({
    hostname,
    port,
    path: `${pathname.replace(/\/$/, '')}${feedPath('events', from === '' ? '' : `from=${from}`)}`,
    headers,
    agent: false,
  })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`the feed answered ${response.statusCode}`)
  const events: EventSourceMessage[] = []
  let comments = 0
  let ended = false
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: () => (comments += 1),
  })
  response.setEncoding('utf8')
  response.on('data', (text: string) => parser.feed(text))
  response.on('close', () => (ended = true))
  response.on('error', () => (ended = true))
  return {
    response,
    events,
    comments: () => comments,
    ended: () => ended,
    stop: () => asked.destroy(),
  }
}
