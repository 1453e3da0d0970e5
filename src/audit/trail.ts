/** Where audit events stay: append-only, capped by count and age. Stores implement this type. */
export type AuditTrail = {
  /** @throws the error of the store */
  append(event: string): Promise<void>
  /**
   * Events with their ids, newest first.
   *
   * @param before only events older than this id
   */
  read(before: string | undefined, count: number): Promise<{ id: string; event: string }[]>
  /** Deletes the events of these ids. @returns how many of them there were */
  delete(ids: readonly string[]): Promise<number>
  /** Drops events that are too old. */
  trim(): Promise<void>
}
