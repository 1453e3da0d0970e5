import { connect } from 'node:net'
import { once } from 'node:events'
import { expect } from 'chai'
import { errorText } from '../../src/runtime/error-text.js'
import { freePort } from '../support/processes.js'

describe('an error as one line', () => {
  it('has the messages of the error and of its causes, and no stack', () => {
    const error = new Error('fetch failed', { cause: new Error('closed', { cause: 'by hand' }) })
    expect(errorText(error)).to.equal('fetch failed: closed: by hand')
    expect(errorText(Object.assign(new Error(''), { code: 'EPIPE' }))).to.equal('EPIPE')
    expect(errorText(new Error(''))).to.equal('Error')
    expect(errorText('text')).to.equal('text')
  })

  it('of a host with several addresses, none of which answers, names one', async () => {
    const port = await freePort()
    const lookup = (_name: string, _options: object, done: Lookup) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ])
    const socket = connect({ host: 'two.test', port, lookup, autoSelectFamily: true })
    const [error] = (await once(socket, 'error').catch((cause: unknown) => [cause])) as [unknown]
    expect(error).to.be.instanceOf(AggregateError)
    expect(errorText(error)).to.equal(`connect ECONNREFUSED 127.0.0.1:${port}`)
  })
})

type Lookup = (error: null, addresses: { address: string; family: number }[]) => void
