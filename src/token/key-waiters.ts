const longestWaitMs = 10_000
const mostWaiters = 256
const mostOfOneAddress = 8

/**
 * Bounds how many requests wait for a key set, and for how long: 256 in all, 8 of one address, 10 s.
 *
 * @returns (the function) what `work` answers, or nothing when there are too many already, or the time is up
 */
export function createKeyWaiters(): <T>(address: string, work: () => Promise<T>) => Promise<T | undefined> {
  const waiting = new Map<string, number>()
  let all = 0
  const leave = (address: string) => {
    all -= 1
    const left = (waiting.get(address) ?? 1) - 1
    if (left === 0) waiting.delete(address)
    else waiting.set(address, left)
  }
  return async (address, work) => {
    const ofAddress = waiting.get(address) ?? 0
    if (all >= mostWaiters || ofAddress >= mostOfOneAddress) return undefined
    all += 1
    waiting.set(address, ofAddress + 1)
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, longestWaitMs, undefined)))
    try {
      return await Promise.race([work(), timeUp])
    } finally {
      clearTimeout(timer)
      leave(address)
    }
  }
}
