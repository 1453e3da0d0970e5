/**
 * `Authorization` of a machine client (RFC 6749 §2.3.1). Id and secret are form-encoded before they
 * are joined, so base64 gets nothing but ASCII.
 */
export const basicAuthorization = ({
  clientId,
  clientSecret,
}: Readonly<{ clientId: string; clientSecret: string }>): string =>
  `Basic ${btoa([clientId, clientSecret].map(encodeURIComponent).join(':'))}`
