import type { StoredEvent } from '../audit/event.js'
import { timeText } from './times.js'

// Control characters from outside could move the cursor of the terminal.
export const plain = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')

/** An event as one line for a terminal. */
export function lineOf(event: StoredEvent): string {
  const { outcome, reason, client, address, keys = [], erased } = event
  const requester = [
    subjectText(event) ?? [],
    client === undefined ? [] : [`by ${client}`],
    address === undefined ? [] : [`from ${address}`],
    erased === undefined ? [] : [`${erased} events`],
  ].flat()
  const texts = [timeText(event.time), outcome.padEnd(7), event.event, reason]
  return `${plain([...texts, ...requester, ...keys].join('  '))}\n`
}

/** Who has sent the request of an event, in words. */
export function requesterText(event: StoredEvent): string {
  const { client, reason, address } = event
  const subject = subjectText(event) ?? 'a subject without a name'
  const holder = reason === 'backchannel_logout' ? `the OpenID provider, for ${subject}` : subject
  const sender = reason === 'global_token_revocation' ? 'transmitter' : 'machine client'
  const who = client === undefined ? holder : `the ${sender} ${client}`
  return address === undefined ? who : `${who}, from ${address}`
}

/** Whom an event names. */
const subjectText = ({ subject, issuer }: StoredEvent): string | undefined =>
  subject && `${subject}${issuer === undefined ? '' : ` of ${issuer}`}`
