/** Limits the events that requesters without credentials can write to the log, per second. */
export type Sampler = {
  /**
   * Whether the log takes an event now, and how many events were dropped since the last one that
   * the log took.
   */
  take(nowMs: number): Readonly<{ isTaken: boolean; droppedBefore: number }>
  /** Events dropped since the start. */
  dropped(): number
}

export function createSampler(perSecond: number): Sampler {
  const window = { second: 0, seen: 0 }
  let dropped = 0
  let reported = 0
  return {
    take(nowMs) {
      const second = Math.floor(nowMs / 1000)
      if (second !== window.second) Object.assign(window, { second, seen: 0 })
      window.seen += 1
      if (window.seen > perSecond) {
        dropped += 1
        return { isTaken: false, droppedBefore: 0 }
      }
      const droppedBefore = dropped - reported
      reported = dropped
      return { isTaken: true, droppedBefore }
    },
    dropped: () => dropped,
  }
}

/**
 * Limits the refusals in the trail: per subject and minute, and by the number of subjects in a
 * minute.
 */
export type RefusalSampler = {
  /** Whether the trail takes a refusal of this subject now. */
  take(subject: string, nowMs: number): boolean
  /** Refusals dropped since the start. */
  dropped(): number
}

export function createRefusalSampler(limits: {
  perMinute: number
  mostSubjects: number
}): RefusalSampler {
  const window = { minute: 0, bySubject: new Map<string, number>() }
  let dropped = 0
  return {
    take(subject, nowMs) {
      const minute = Math.floor(nowMs / 60_000)
      if (minute !== window.minute) Object.assign(window, { minute, bySubject: new Map() })
      const seen = (window.bySubject.get(subject) ?? 0) + 1
      const isFull = seen === 1 && window.bySubject.size >= limits.mostSubjects
      if (seen > limits.perMinute || isFull) {
        dropped += 1
        return false
      }
      window.bySubject.set(subject, seen)
      return true
    },
    dropped: () => dropped,
  }
}
