import type { AuditEventName, StoredEvent } from '../audit/event.js'
import { decodeKey } from '../token/keys.js'
import { followEvents } from './audit-follow.js'
import { pageReader, readNewest, type Filter } from './audit-pages.js'
import { clientOption, serviceOption, wholeNumber, type CliCommand } from './command.js'
import { lineOf } from './event-text.js'
import type { Io } from './io.js'
import type { ServiceOptions } from './service-request.js'
import { timeParser } from './times.js'

const eventNames = Object.keys({
  authn_token_revoked: true,
  authn_token_reuse: true,
  authn_login_fail: true,
  session_use_after_expire: true,
  authz_fail: true,
  input_validation_fail: true,
  excess_rate_limit_exceeded: true,
  sensitive_delete: true,
} satisfies Record<AuditEventName, true>)

export const auditCommand: CliCommand = {
  name: 'audit',
  help: 'print the audit trail, oldest first: who logged out or revoked what, when and why',
  options: [
    {
      flags: '--since <time>',
      help: 'events from then on: 2026-11-26T12:00:00Z, 2026-11-26T12:00 (local time), 2026-11-26, today, yesterday, 2h (ago)',
      parse: timeParser('start'),
    },
    {
      flags: '--until <time>',
      help: 'events until then; a day is included',
      parse: timeParser('end'),
    },
    { flags: '--subject <subject>', help: 'events of this subject, as the tokens have it' },
    { flags: '--event <name>', help: 'events of this name', choices: eventNames },
    { flags: '--reason <word>', help: 'events of this reason, such as logout or password_change' },
    { flags: '--client <id>', help: 'events of requests of this machine client' },
    { flags: '--key <key>', help: 'events that revoked this key', parse: revocationKey },
    {
      flags: '--last <count>',
      help: 'how many past events to print first (20; with --since or --until: all)',
      parse: wholeNumber,
    },
    { flags: '--follow', help: 'go on with new events, until Ctrl-C' },
    { flags: '--json', help: 'print one JSON object per line' },
    serviceOption,
    clientOption,
  ],
  run: printAudit,
}

type Options = Filter &
  ServiceOptions & {
    follow?: boolean
    last?: number
    since?: string
    until?: string
    json?: boolean
  }

async function printAudit(io: Io, options: Options): Promise<number> {
  const { since, until, follow = false } = options
  if (follow && until !== undefined)
    throw new Error('--follow goes on without an end, and --until is one')
  const readPage = pageReader(io, {
    ...options,
    ...(since !== undefined && { from: since }),
    ...(until !== undefined && { to: until }),
  })
  const stop = new AbortController()
  void io.stopped.then(() => stop.abort())
  const print = (event: StoredEvent) =>
    void io.stdout.write(options.json ? `${JSON.stringify(event)}\n` : lineOf(event))
  const last = options.last ?? (since === undefined && until === undefined ? 20 : Infinity)
  const first = await readNewest(readPage, stop.signal, { most: Math.max(1, last) })
  first.events.forEach(print)
  if (first.events.length === 0 && !follow) io.stderr.write('no such event\n')
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

function revocationKey(text: string): string {
  if (decodeKey(text) !== undefined) return text
  throw new Error('It must be a key of the trail, such as s:STZdE5UhiKXu7dz9QIFjCA.')
}
