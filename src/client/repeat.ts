/** How many attempts are made in all, and the longest pause between two. */
export type Attempts = Readonly<{ attempts: number; longestPauseMs: number }>

const firstPauseMs = 200

/**
 * Repeats an attempt until its answer has no `retryAfter` (the value of the header, or an empty
 * text). A pause lasts as long as the answer asks for, but at least a back-off that doubles with
 * each attempt. Up to as much again is added at random: jitter, to avoid a thundering herd.
 */
export async function repeated<Answer>(
  { attempts, longestPauseMs }: Attempts,
  attempt: () => Promise<{ answer: Answer; retryAfter?: string | undefined }>,
): Promise<Answer> {
  for (let attempted = 1; ; attempted += 1) {
    const { answer, retryAfter } = await attempt()
    if (retryAfter === undefined || attempted >= attempts) return answer
    const backOffMs = firstPauseMs * 2 ** (attempted - 1) * (1 + Math.random())
    const pauseMs = Math.max(requestedPauseMs(retryAfter), backOffMs)
    if (pauseMs > longestPauseMs) return answer
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** The pause that `Retry-After` asks for, in seconds or until a date (RFC 9110 §10.2.3). */
function requestedPauseMs(retryAfter: string): number {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000
  const atMs = Date.parse(retryAfter)
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - Date.now())
}
