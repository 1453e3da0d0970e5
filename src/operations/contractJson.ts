import type { ContractDocument } from '../contract.js'
import type { Operation } from './operation.js'

export const contractJson =
  ({ document }: { document: ContractDocument }): Operation<'contractJson'> =>
  async () => ({ status: 200, body: document })
