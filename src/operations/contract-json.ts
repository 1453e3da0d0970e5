import type { ContractDocument } from '../contract.js'
import { documentOf } from '../runtime/static-document.js'
import type { Operation } from './operation.js'

export const contractJson = ({
  document,
}: {
  document: ContractDocument
}): Operation<'contractJson'> => {
  const body = documentOf(JSON.stringify(document))
  return async () => ({ status: 200, body })
}
