import type { StoredEvent } from '../audit/event.js'
import { followEvents } from './audit-follow.js'
import { pageReader, readNewest } from './audit-pages.js'
import { clientOption, serviceOption, type CliCommand } from './command.js'
import type { Io } from './io.js'

export const auditCommand: CliCommand = {
  name: 'audit',
  help: 'print the audit trail, oldest first',
  options: [
    { flags: '--follow', help: 'go on with new events, until Ctrl-C' },
    {
      flags: '--last <count>',
      help: 'how many past events to print first (20; with --from or --to: all)',
      isWholeNumber: true,
    },
    {
      flags: '--from <time>',
      help: 'events from then on, such as 2026-11-26T12:00:00Z',
      isTime: true,
    },
    { flags: '--to <time>', help: 'events until then', isTime: true },
    { flags: '--subject <subject>', help: 'events of this subject only' },
    { flags: '--json', help: 'print one JSON object per line' },
    serviceOption,
    clientOption,
  ],
  run: printAudit,
}

type Options = {
  follow?: boolean
  last?: number
  from?: string
  to?: string
  subject?: string
  json?: boolean
  url?: string
  clientId?: string
}

async function printAudit(io: Io, options: Options): Promise<number> {
  const { from, to, follow = false } = options
  if (follow && to !== undefined)
    throw new Error('--follow goes on without an end, and --to is one')
  const readPage = pageReader(io, options)
  const stop = new AbortController()
  void io.stopped.then(() => stop.abort())
  const print = (event: StoredEvent) =>
    void io.stdout.write(options.json ? `${JSON.stringify(event)}\n` : lineOf(event))
  const last = options.last ?? (from === undefined && to === undefined ? 20 : Infinity)
  const first = await readNewest(readPage, stop.signal, { most: Math.max(1, last) })
  first.events.forEach(print)
  if (follow)
    await followEvents({
      first,
      readPage,
      signal: stop.signal,
      print,
      warn: (message) => void io.stderr.write(`${message}; asking again\n`),
    })
  return 0
}

// Control characters from outside could move the cursor of the terminal.
const plain = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')

/** An event as one line for a terminal. */
export function lineOf({
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
  const requester = [
    subject === undefined ? [] : [`${subject}${issuer === undefined ? '' : ` of ${issuer}`}`],
    client === undefined ? [] : [`by ${client}`],
    address === undefined ? [] : [`from ${address}`],
  ].flat()
  return `${plain([time, outcome.padEnd(7), event, reason, ...requester, ...keys].join('  '))}\n`
}
