const everyMs = 3_600_000

/**
 * Makes a function that answers whether a thing is due: it was not due within the last hour. The
 * names of things come from a closed list, since each is remembered.
 */
export function createHourly(now: () => number): (name: string) => boolean {
  const dueAtMs = new Map<string, number>()
  return (name) => {
    const lastMs = dueAtMs.get(name) ?? -Infinity
    if (now() >= lastMs && now() - lastMs < everyMs) return false
    dueAtMs.set(name, now())
    return true
  }
}
