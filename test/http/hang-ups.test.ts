import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { asClient, clientsVariable } from '../support/clients.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('clients that hang up', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  /** Sends a part of a request, or a request, and breaks the connection. */
  async function hangUp(text: string, afterAnswer = false): Promise<void> {
    const socket = connect({ port: Number(new URL(service.origin).port), host: '127.0.0.1' })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(text)
    if (afterAnswer) await once(socket, 'data')
    socket.resetAndDestroy()
  }

  it('write at the level debug alone: within a request, and while an answer is streamed', async () => {
    const jwt = await token()
    const { authorization } = asClient()
    const before = service.logged().filter(({ level }) => level !== 'debug').length
    const head = `POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${jwt}\r\n`
    for (let time = 0; time < 20; time += 1) {
      await hangUp(head)
      await hangUp(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"to`)
      await hangUp(
        `GET /api/v1/revocations/events?from=${String(service.position())} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`,
        true,
      )
    }
    await until('they are seen', () => service.subscribers() === 0)
    await until('one is told', () =>
      service.logged().some(({ level, msg }) => level === 'debug' && msg === 'the client hung up'),
    )
    const after = service.logged().filter(({ level, name }) => level !== 'debug' && !name)
    expect(after.slice(before), JSON.stringify(after)).to.deep.equal([])
  })
})
