/** The values of a cookie in a `Cookie` line, whose pairs stand between semicolons (RFC 6265 §5.4). */
export const cookieValues = (name: string, line: string): string[] =>
  line.split(';').flatMap((pair) => {
    const text = pair.trim()
    return text.startsWith(`${name}=`) ? [text.slice(name.length + 1)] : []
  })
