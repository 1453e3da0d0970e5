/** How often, and for how long at most between two, something is tried. */
export type Attempts = Readonly<{ attempts: number; longestPauseMs: number }>

const firstPauseMs = 200

/**
 * Tries until an answer is final, that is, says nothing of `retryAfter` (the header's value, or empty). Pauses as long as the answer asks
 * for, and otherwise twice as long each time, with up to as much again by chance, so that clients which failed together do not come back
 * together.
 */
export async function repeated<Answer>(
  { attempts, longestPauseMs }: Attempts,
  attempt: () => Promise<{ answer: Answer; retryAfter?: string }>,
): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    const { answer, retryAfter } = await attempt()
    if (retryAfter === undefined || tried >= attempts) return answer
    const backOffMs = firstPauseMs * 2 ** (tried - 1) * (1 + Math.random())
    const pauseMs = Math.max(askedForMs(retryAfter), backOffMs)
    if (pauseMs > longestPauseMs) return answer
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function askedForMs(retryAfter: string): number {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000
  const atMs = Date.parse(retryAfter)
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - Date.now())
}
