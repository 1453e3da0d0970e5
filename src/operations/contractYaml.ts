import type { Operation } from './operation.js'

export const contractYaml =
  ({ yaml }: { yaml: string }): Operation<'contractYaml'> =>
  async () => ({ status: 200, body: yaml, headers: { 'Content-Type': 'application/yaml; charset=utf-8' } })
