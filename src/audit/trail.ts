/** Where audit events stay: append-only, capped by count and age. */
export type AuditTrail = {
  /** @throws whatever the sink throws */
  append(event: string): Promise<void>
  /**
   * Events with their ids, newest first.
   *
   * @param before only what is older than this id
   */
  read(before: string | undefined, count: number): Promise<{ id: string; event: string }[]>
  /** Drops what is too old. */
  trim(): Promise<void>
}
