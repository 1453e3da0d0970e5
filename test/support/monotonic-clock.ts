/** Until `restore()`, `performance.now()` is ahead by what the test adds. */
export function moveMonotonicClock() {
  const now = performance.now.bind(performance)
  let aheadMs = 0
  performance.now = () => now() + aheadMs
  return {
    advance: (ms: number) => void (aheadMs += ms),
    restore: () => void (performance.now = now),
  }
}
