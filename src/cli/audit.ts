import { setTimeout as pause } from 'node:timers/promises'
import type { components } from '../../generated/openapi.js'
import type { StoredEvent } from '../audit/audit.js'
import { requestWithin, textOf } from '../runtime/http-client.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import { answerWithinMs, credentialsOf, urlOf, type Io } from './io.js'

type Options = {
  follow?: boolean
  last: number
  subject?: string
  json?: boolean
  url?: string
  clientId?: string
}
/** With the service's own time: the clock here may be another. */
type Page = components['schemas']['AuditPage'] & { atMs: number }

const askEveryMs = 1_000
/** Instances write as they get to it, so that an event may come after one that is younger. */
const overlapMs = 10_000
const mostInPage = 1_000

export async function followAudit(io: Io, options: Options): Promise<number> {
  const page = pageReader(io, options)
  const stop = new AbortController()
  void io.stopped.then(() => stop.abort())
  const print = (event: StoredEvent) =>
    io.stdout.write(options.json ? `${JSON.stringify(event)}\n` : lineOf(event))

  let begunMs: number | undefined
  /** The newest events, oldest first, as far back as is asked for. */
  const read = async (most: number, from?: string): Promise<StoredEvent[]> => {
    const found: StoredEvent[] = []
    let cursor: string | null | undefined
    while (cursor !== null && found.length < most && !stop.signal.aborted) {
      const limit = String(Math.min(mostInPage, most - found.length))
      const next: Page = await page({
        limit,
        ...(from !== undefined && { from }),
        ...(cursor !== undefined && { cursor }),
      })
      begunMs ??= next.atMs
      found.push(...next.events)
      cursor = next.cursor
      // The trail is in order but for the overlap: behind the first page that is all older there is nothing more.
      if (from !== undefined && next.events.length === 0) break
    }
    return found.reverse()
  }

  const first = await read(Math.max(1, options.last))
  first.forEach(print)
  if (options.follow !== true) return 0
  /** Until when everything is printed; it never goes back. */
  let fromMs = Math.max(
    (begunMs ?? 0) - overlapMs,
    ...first.map(({ time }) => Date.parse(time) - overlapMs),
  )
  const known = new Map(first.map((event) => [JSON.stringify(event), Date.parse(event.time)]))
  // What is older than the first that was asked for was not asked for.
  const [oldest] = first
  const oldestMs = oldest === undefined ? -Infinity : Date.parse(oldest.time)
  let trouble: string | undefined
  while (!stop.signal.aborted) {
    // Only Ctrl-C cuts it short, which ends the loop.
    await pause(askEveryMs, undefined, { signal: stop.signal }).catch(() => undefined)
    if (stop.signal.aborted) break
    try {
      for (const event of await read(Infinity, new Date(fromMs).toISOString())) {
        const text = JSON.stringify(event)
        if (known.has(text)) continue
        known.set(text, Date.parse(event.time))
        if (Date.parse(event.time) >= oldestMs) print(event)
      }
      trouble = undefined
    } catch (error) {
      if (error instanceof Refused) throw error
      // One line for each kind of trouble; what was missed comes when it is over.
      if (trouble !== (error as Error).message)
        io.stderr.write(`${(error as Error).message}; asking again\n`)
      trouble = (error as Error).message
      continue
    }
    fromMs = Math.max(fromMs, ...[...known.values()].map((atMs) => atMs - overlapMs))
    for (const [text, atMs] of known) if (atMs < fromMs) known.delete(text)
  }
  return 0
}

/** What asking again does not change. */
class Refused extends Error {}

const refusals: Record<number, string> = {
  400: 'the service does not understand this',
  401: 'the client is not known, or its secret is wrong',
  403: 'the client may not audit',
}

function pageReader(io: Io, options: Options): (query: Record<string, string>) => Promise<Page> {
  const origin = urlOf(io, options)
  const headers = { Authorization: basicAuthorization(credentialsOf(io, options)) }
  return async (query) => {
    const url = new URL('/api/v1/audit/events', origin)
    url.search = new URLSearchParams({
      ...query,
      ...(options.subject !== undefined && { subject: options.subject }),
    }).toString()
    const { status, date, text } = await requestWithin(
      answerWithinMs,
      url,
      { headers },
      async (answer) => ({
        status: answer.status,
        date: answer.headers.get('date') ?? '',
        text: await textOf(answer),
      }),
    ).catch((cause: unknown) => {
      throw new Error(`no answer from ${origin}`, { cause })
    })
    const refusal = refusals[status]
    if (refusal !== undefined) throw new Refused(`the service answered ${status}: ${refusal}`)
    if (status !== 200) throw new Error(`the service answered ${status}`)
    return {
      ...(JSON.parse(text) as components['schemas']['AuditPage']),
      atMs: Date.parse(date) || Date.now(),
    }
  }
}

// What came from outside must not move the cursor of a terminal.
const plain = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')

function lineOf({
  time,
  event,
  outcome,
  reason,
  issuer,
  subject,
  client,
  address,
  keys = [],
}: StoredEvent): string {
  const who = [
    subject === undefined ? [] : [`${subject}${issuer === undefined ? '' : ` of ${issuer}`}`],
    client === undefined ? [] : [`by ${client}`],
    address === undefined ? [] : [`from ${address}`],
  ].flat()
  return `${plain([time, outcome.padEnd(7), event, reason, ...who, ...keys].join('  '))}\n`
}
