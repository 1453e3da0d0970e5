import { documentOf } from '../runtime/static-document.js'
import type { Operation } from './operation.js'

export const contractYaml = ({ yaml }: { yaml: string }): Operation<'contractYaml'> => {
  const body = documentOf(yaml)
  return async () => ({
    status: 200,
    body,
    headers: { 'Content-Type': 'application/yaml; charset=utf-8', 'Cache-Control': 'no-cache' },
  })
}
