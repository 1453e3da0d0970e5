import { expect } from 'chai'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { documentedOperations } from '../../src/contract.js'
import { createOperations } from '../../src/service/operations.js'
import { createParts } from '../../src/service/parts.js'
import { hmacSecret } from '../support/tokens.js'

describe('the operations of the service', () => {
  it('are those of the contract; the address limit counts every request of logout alone', async () => {
    const parts = createParts({
      config: parseConfig({ REDIS_URL: 'memory:', JWT_SECRET: hmacSecret }),
      log: pino({ level: 'silent' }),
      writeLine: () => undefined,
      now: Date.now,
    })
    const operations = createOperations(parts)
    const ids = documentedOperations(parts.contract.document).map(({ operationId }) => operationId)
    expect(Object.keys(operations).sort()).to.deep.equal([...ids].sort())
    expect(ids.filter((id) => operations[id].limitedByAddress)).to.deep.equal(['logout'])
    expect(ids.filter((id) => operations[id].refuseBody !== undefined)).to.deep.equal(['logout'])
    parts.reloadable.close()
    await parts.audit.close()
    await parts.feed.close()
    await parts.stores.close()
  })
})
