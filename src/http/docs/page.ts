import { documentOf, type StaticDocument } from '../../runtime/static-document.js'

/** The page loads from this origin alone; Swagger UI draws its icons from `data:` URLs. */
const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/** A whole page. Its icon keeps browsers from requesting `/favicon.ico`. */
const pageOf = (head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cierre</title>
<link rel="icon" href="data:,">
${head}</head>
<body>
${body}</body>
</html>
`

/** A page and the header fields of its answer. */
type Page = Readonly<{ body: StaticDocument; headers: Readonly<Record<string, string>> }>

const pageWith = (head: string, body: string): Page => ({
  body: documentOf(pageOf(head, body)),
  headers: pageHeaders,
})

/**
 * The API reference. Its scripts and styles are the files under `docs/`, relative to the page, which
 * an app may serve below a path of its own.
 */
export const referencePage = ({ hasToken }: { hasToken: boolean }): Page =>
  pageWith(
    '<link rel="stylesheet" href="docs/swagger-ui.css">\n<link rel="stylesheet" href="docs/reference.css">\n',
    `<header>
<a href="/">cierre</a>
${hasToken ? '<button type="button">Use a development token</button>\n<output></output>\n' : ''}</header>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script type="module" src="docs/reference.js"></script>
`,
  )

/** What the page at `/` says of the service besides its state. */
type About = Readonly<{ hasDocs: boolean; version: string }>

/** The page at `/`: what this is, whether it works, and links to everything that a browser opens. */
export function homePage({ hasDocs, version }: About, { isReady }: { isReady: boolean }): Page {
  const links = [
    ...(hasDocs ? [['/docs', 'the API, to read and to try']] : []),
    ['/openapi.yaml', 'the contract as YAML'],
    ['/openapi.json', 'the contract as JSON'],
    ['/health/ready', 'whether a logout would succeed now, by parts'],
    ['https://github.com/cierre/cierre', 'source and documentation'],
  ]
  return pageWith(
    hasDocs ? '<link rel="stylesheet" href="/docs/reference.css">\n' : '',
    `<main class="home">
<h1>cierre</h1>
<p>Logout that takes effect. <code>POST /api/v1/auth/logout</code> revokes a JWT and ends its session. Every API that asks this service,
or follows it, refuses the token from then on.</p>
<p>Version ${version}. ${isReady ? 'Ready: a logout would succeed now.' : '<strong>Not ready</strong>: a logout would fail now, and should be repeated.'}</p>
<ul>
${links.map(([address, what]) => `<li><a href="${address}">${address}</a>: ${what}</li>\n`).join('')}</ul>
</main>
`,
  )
}
