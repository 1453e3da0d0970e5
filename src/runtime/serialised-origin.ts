/**
 * Whether a text is an origin as browsers and apps send it (RFC 6454 §6.2), such as
 * `https://app.example.com` or `capacitor://localhost`; not `null`, and no pattern.
 */
export function isSerialisedOrigin(text: string): boolean {
  if (text.length > 300 || !/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@*,]+$/.test(text)) return false
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text)
}
