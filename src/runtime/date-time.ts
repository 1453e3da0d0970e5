const form =
  /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i

/**
 * Whether a text is a time of RFC 3339 §5.6, with its offset. A leap second is refused, because
 * `Date` has none.
 */
export function isDateTime(text: string): boolean {
  const [, year, month, day] = form.exec(text) ?? []
  // `Date.parse` takes the 30th of February for the 2nd of March. The calendar repeats itself after
  // 400 years; `Date.UTC` takes years below 100 for others.
  const daysInMonth = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()
  return Number(day) <= daysInMonth && !Number.isNaN(Date.parse(text))
}
