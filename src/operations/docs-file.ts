import { readDocument, type StaticDocument } from '../runtime/static-document.js'
import { ServiceError } from '../errors.js'
import type { Operation } from './operation.js'

/**
 * The build writes the files there, compressed: ours from `src/http/docs`, Swagger UI's from its
 * package. So users need not install that package.
 */
const folder = new URL('../../dist/docs/', import.meta.url)
const files = ['reference.js', 'reference.css', 'swagger-ui-bundle.js', 'swagger-ui.css']

/** Each file is read at its first request, because most instances never serve the page. */
export const docsFile = ({ hasDocs }: { hasDocs: boolean }): Operation<'docsFile'> => {
  const documents = new Map<string, StaticDocument>()
  return async ({ params: { file } }) => {
    if (!hasDocs || !files.includes(file)) throw new ServiceError('not_found')
    const body = documents.get(file) ?? readDocument(new URL(file, folder))
    documents.set(file, body)
    const type = file.endsWith('.js') ? 'text/javascript' : 'text/css'
    return {
      status: 200,
      body,
      headers: { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'public, max-age=600' },
    }
  }
}
