import { setTimeout as pause } from 'node:timers/promises'
import type { StoredEvent } from '../audit.js'
import { basicAuthorization } from '../basic.js'
import { credentialsOf, urlOf, type Io } from './io.js'

type Options = { follow?: boolean; last: number; subject?: string; json?: boolean; url?: string; clientId?: string }

type Page = { events: StoredEvent[]; cursor: string | null }

const askEveryMs = 1_000
/** Instances write as they get to it, so that an event may come after one that is younger. */
const overlapMs = 10_000
const mostInPage = 1_000

export async function followAudit(io: Io, options: Options): Promise<number> {
  const page = pageReader(io, options)
  const stop = new AbortController()
  void io.stopped.then(() => stop.abort())
  const print = (event: StoredEvent) => io.stdout.write(options.json ? `${JSON.stringify(event)}\n` : lineOf(event))
  const { events } = await page({ limit: String(Math.min(mostInPage, Math.max(1, options.last))) })
  let seen = events.reverse()
  seen.forEach(print)
  while (options.follow === true && !stop.signal.aborted) {
    // Only Ctrl-C cuts it short, which ends the loop.
    await pause(askEveryMs, undefined, { signal: stop.signal }).catch(() => undefined)
    if (stop.signal.aborted) break
    const last = seen.at(-1)
    const from: Record<string, string> = last === undefined ? {} : { from: new Date(Date.parse(last.time) - overlapMs).toISOString() }
    const found: StoredEvent[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const next = await page({ limit: String(mostInPage), ...from, ...(cursor !== undefined && { cursor }) })
      found.unshift(...next.events.reverse())
      cursor = next.events.length < mostInPage ? null : next.cursor
    }
    const known = new Set(seen.map((event) => JSON.stringify(event)))
    found.filter((event) => !known.has(JSON.stringify(event))).forEach(print)
    if (found.length > 0) seen = found
  }
  return 0
}

function pageReader(io: Io, options: Options): (query: Record<string, string>) => Promise<Page> {
  const origin = urlOf(io, options)
  const headers = { Authorization: basicAuthorization(credentialsOf(io, options)) }
  return async (query) => {
    const url = new URL('/api/v1/audit/events', origin)
    url.search = new URLSearchParams({ ...query, ...(options.subject !== undefined && { subject: options.subject }) }).toString()
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) }).catch((cause: unknown) => {
      throw new Error(`no answer from ${origin}`, { cause })
    })
    if (!answer.ok) throw new Error(`the service answered ${answer.status}${answer.status === 401 ? ': the client is not known, or its secret is wrong' : answer.status === 403 ? ': the client may not audit' : ''}`)
    return (await answer.json()) as Page
  }
}

// What came from outside must not move the cursor of a terminal.
const plain = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')

function lineOf({ time, event, outcome, reason, issuer, subject, client, address, keys = [] }: StoredEvent): string {
  const who = [subject === undefined ? [] : [`${subject}${issuer === undefined ? '' : ` of ${issuer}`}`], client === undefined ? [] : [`by ${client}`], address === undefined ? [] : [`from ${address}`]].flat()
  return `${plain([time, outcome.padEnd(7), event, reason, ...who, ...keys].join('  '))}\n`
}
