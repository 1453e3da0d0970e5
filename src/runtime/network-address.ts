/** Host and port in one text, an IPv6 address in brackets. */
export const addressOf = ({ host, port }: Readonly<{ host: string; port: number }>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
