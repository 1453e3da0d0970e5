import { isDateTime } from '../runtime/date-time.js'

/** Whether a day stands for its beginning or its last millisecond. */
type Edge = 'start' | 'end'

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const ago = /^(\d{1,6})([smhd])$/
const day = /^\d{4}-\d\d-\d\d$/
const namedDays: Record<string, number> = { today: 0, yesterday: -1 }

/**
 * Reads a time as people write it: RFC 3339 with its offset, the same in local time without one, a
 * day in local time, `today`, `yesterday`, or how long ago it was (`90s`, `15m`, `2h`, `7d`).
 *
 * @returns RFC 3339 in UTC
 * @throws Error that says what the text must be
 */
export const timeParser =
  (edge: Edge, now: () => number = Date.now) =>
  (text: string): string => {
    const ms = parseTime(text, edge, now())
    if (ms !== undefined) return new Date(ms).toISOString()
    throw new Error(
      'It must be a time such as 2026-11-26T12:00:00Z, 2026-11-26T12:00 (local time), 2026-11-26, today, yesterday, or 2h (ago).',
    )
  }

function parseTime(text: string, edge: Edge, nowMs: number): number | undefined {
  if (isDateTime(text)) return Date.parse(text)
  const [, count, unit = ''] = ago.exec(text) ?? []
  if (count !== undefined) return nowMs - Number(count) * (unitMs[unit] ?? 0)
  const days = namedDays[text]
  if (days !== undefined) return edgeOf(new Date(nowMs).setHours(0, 0, 0, 0), days, edge)
  if (!day.test(text)) return localTime(text.replace(' ', 'T'))
  const midnightMs = localTime(`${text}T00:00`)
  return midnightMs === undefined ? undefined : edgeOf(midnightMs, 0, edge)
}

/** A day may have 23 or 25 hours. */
function edgeOf(midnightMs: number, days: number, edge: Edge): number {
  const at = new Date(midnightMs)
  at.setDate(at.getDate() + days + (edge === 'end' ? 1 : 0))
  return at.getTime() - (edge === 'end' ? 1 : 0)
}

function localTime(text: string): number | undefined {
  const whole = /T\d\d:\d\d$/.test(text) ? `${text}:00` : text
  // ECMAScript takes a date and time without an offset for local time.
  return isDateTime(`${whole}Z`) ? Date.parse(whole) : undefined
}

/** A time in local time, and in UTC where that differs, both as RFC 3339. */
export function timeText(time: string | number): string {
  const at = new Date(time)
  // A claim of a token may be any number.
  if (Number.isNaN(at.getTime())) return String(time)
  const offset = -at.getTimezoneOffset()
  const utc = at.toISOString()
  if (offset === 0) return utc
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, -1)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60]
  return `${local}${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)} (${utc})`
}
