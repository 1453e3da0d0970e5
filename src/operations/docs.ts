import { pageHeaders, pageOf } from '../docs/page.js'
import { documentOf } from '../docs/static-document.js'
import { ServiceError } from '../errors.js'
import type { Operation } from './operation.js'

export const docs = ({
  hasDocs,
  hasToken,
}: {
  hasDocs: boolean
  hasToken: boolean
}): Operation<'docs'> => {
  const body = documentOf(
    pageOf(
      '<link rel="stylesheet" href="/docs/swagger-ui.css">\n<link rel="stylesheet" href="/docs/reference.css">\n',
      `<header>
<a href="/">cierre</a>
${hasToken ? '<button type="button">Use a development token</button>\n<output></output>\n' : ''}</header>
<main></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script type="module" src="/docs/reference.js"></script>
`,
    ),
  )
  return async () => {
    if (!hasDocs) throw new ServiceError('not_found')
    return { status: 200, body, headers: pageHeaders }
  }
}
