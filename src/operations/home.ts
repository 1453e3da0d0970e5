import { pageHeaders, pageOf } from '../docs/page.js'
import { documentOf } from '../docs/static-document.js'
import type { Operation } from './operation.js'

export const home = ({ hasDocs }: { hasDocs: boolean }): Operation<'home'> => {
  const links = [
    ...(hasDocs ? [['/docs', 'API reference, to read and to try']] : []),
    ['/openapi.yaml', 'the contract as YAML'],
    ['/openapi.json', 'the contract as JSON'],
    ['/health/ready', 'whether a logout would succeed now'],
  ]
  const body = documentOf(
    pageOf(
      hasDocs ? '<link rel="stylesheet" href="/docs/reference.css">\n' : '',
      `<div class="home">
<h1>cierre</h1>
<p>Logout that takes effect.</p>
<ul>
${links.map(([path, what]) => `<li><a href="${path}">${path}</a>: ${what}</li>\n`).join('')}</ul>
</div>
`,
    ),
  )
  return async () => ({ status: 200, body, headers: pageHeaders })
}
