/** An address for people to read. The query, a user and a password are left out: they may be secret. */
export function urlAddress(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
