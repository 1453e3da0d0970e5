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
<main></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script type="module" src="docs/reference.js"></script>
`,
  )

/** The page at `/`: links to everything that a browser can open. */
export function homePage({ hasDocs }: { hasDocs: boolean }): Page {
  const links = [
    ...(hasDocs ? [['/docs', 'API reference, to read and to try']] : []),
    ['/openapi.yaml', 'the contract as YAML'],
    ['/openapi.json', 'the contract as JSON'],
    ['/health/ready', 'whether a logout would succeed now'],
  ]
  return pageWith(
    hasDocs ? '<link rel="stylesheet" href="/docs/reference.css">\n' : '',
    `<div class="home">
<h1>cierre</h1>
<p>Logout that takes effect.</p>
<ul>
${links.map(([path, what]) => `<li><a href="${path}">${path}</a>: ${what}</li>\n`).join('')}</ul>
</div>
`,
  )
}
