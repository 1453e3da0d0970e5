/**
 * `Authorization` of a machine client (RFC 6749 §2.3.1): id and secret are form-encoded before they are joined, which leaves nothing but
 * ASCII to encode.
 */
export const basicAuthorization = ({
  clientId,
  clientSecret,
}: Readonly<{ clientId: string; clientSecret: string }>): string =>
  `Basic ${btoa([clientId, clientSecret].map(encodeURIComponent).join(':'))}`
