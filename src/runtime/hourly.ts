const hourMs = 3_600_000

/**
 * Makes a function that answers whether a thing is due: it was not due within the last hour. The
 * names of things come from a closed list, since each is remembered.
 */
export function createHourly(now: () => number): (name: string) => boolean {
  const dueAtMs = new Map<string, number>()
  return (name) => {
    const lastMs = dueAtMs.get(name) ?? -Infinity
    if (now() >= lastMs && now() - lastMs < hourMs) return false
    dueAtMs.set(name, now())
    return true
  }
}

/**
 * Makes a function that notes whether a thing is there, and answers whether it was there within the
 * last hour, now included. The names of things come from a closed list.
 */
export function createSeenWithinHour(
  now: () => number,
): (name: string, isThere: boolean) => boolean {
  const seenAtMs = new Map<string, number>()
  return (name, isThere) => {
    if (isThere) seenAtMs.set(name, now())
    return isThere || Math.abs(now() - (seenAtMs.get(name) ?? -Infinity)) < hourMs
  }
}
