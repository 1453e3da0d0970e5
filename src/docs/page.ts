/** Nothing but what this origin serves; Swagger UI draws its icons from `data:` URLs. */
export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/** A whole page. The icon keeps browsers from asking for one that is not there. */
export const pageOf = (head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cierre</title>
<link rel="icon" href="data:,">
${head}</head>
<body>
${body}</body>
</html>
`
