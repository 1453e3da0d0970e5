import { once } from 'node:events'
import { expect } from 'chai'
import type { Operations } from '../../src/operations/operation.js'
import { receiveAll, sendRaw, statusesOf } from '../support/http.js'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'
import { sendUnread } from '../support/unread.js'

describe('pipelined requests', () => {
  const request = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'
  const last = request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')

  it('run one after the other on one connection, and side by side on several', async () => {
    let running = 0
    let most = 0
    // Long enough for every other request of the same packet to begin.
    let hold: () => Promise<unknown> = () => new Promise((resolve) => setImmediate(resolve))
    const counted = (operations: Operations): Operations => ({
      ...operations,
      live: async (request) => {
        most = Math.max(most, (running += 1))
        await hold()
        running -= 1
        return operations.live(request)
      },
    })
    const service = await startService({}, { operations: counted })
    try {
      await sendRaw(service.origin, request.repeat(9) + last)
      expect(most).to.equal(1)
      hold = () => until('two run side by side', () => most >= 2)
      await Promise.all(
        Array.from({ length: 5 }, () => sendRaw(service.origin, request.repeat(2) + last)),
      )
      expect(most).to.be.within(2, 5)
      expect(running).to.equal(0)
    } finally {
      await service.stop()
    }
  })

  it('with very many header lines end the connection when they have to wait, after the answer before', async () => {
    let running = 0
    let held = Promise.resolve()
    let release: () => void = () => undefined
    const service = await startService(
      {},
      {
        operations: (operations) => ({
          ...operations,
          live: (request) => {
            running += 1
            return held.then(() => operations.live(request))
          },
        }),
      },
    )
    try {
      const large = (text: string) => text.replace('\r\n\r\n', `\r\n${'a:b\r\n'.repeat(1_500)}\r\n`)
      expect((await sendRaw(service.origin, large(last))).status).to.equal(200)
      held = new Promise((resolve) => (release = resolve))
      running = 0
      const received = receiveAll(service.origin, large(request).repeat(2))
      await until('the first one runs', () => running === 1)
      release()
      expect(statusesOf(await received)).to.deep.equal(['200'])
    } finally {
      release()
      await service.stop()
    }
  })

  it('after an answer that ends the connection are not executed', async () => {
    const service = await startService()
    try {
      const jwt = await token()
      const body = JSON.stringify({ token: jwt })
      const logout = (type: string) =>
        `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${jwt}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      expect(
        (await sendRaw(service.origin, logout('text/plain') + logout('application/json'))).status,
      ).to.equal(415)
      expect((await service.logout(jwt)).status).to.equal(200)
    } finally {
      await service.stop()
    }
  })

  it('with bodies are answered in order', async () => {
    const service = await startService()
    try {
      const jwts = await Promise.all(Array.from({ length: 5 }, () => token()))
      const bodies = jwts.map((jwt) => JSON.stringify({ token: jwt }))
      const requests = jwts.map(
        (jwt, at) =>
          `POST /api/v1/auth/logout HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${at}\r\nAuthorization: Bearer ${jwt}\r\nContent-Type: application/json\r\nContent-Length: ${bodies[at]?.length}\r\n\r\n${bodies[at]}`,
      )
      let received = ''
      const socket = sendUnread(service.origin, requests.join('') + last)
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
      socket.resume()
      await once(socket, 'close')
      expect([...received.matchAll(/^X-Request-Id: (\d)\r$/gm)].map(([, id]) => id)).to.deep.equal([
        '0',
        '1',
        '2',
        '3',
        '4',
      ])
      expect(received.split('Sesión cerrada exitosamente')).to.have.length(6)
    } finally {
      await service.stop()
    }
  })

  it('200 for the sixteen that a connection may send at once, and its end if there are more', async () => {
    const service = await startService()
    const answers = async (text: string) => statusesOf(await receiveAll(service.origin, text))
    const sixteen = Array.from({ length: 16 }, () => '200')
    expect(await answers(request.repeat(15) + last)).to.deep.equal(sixteen)
    expect(await answers(request.repeat(17))).to.deep.equal(sixteen)
    expect(await answers(request.repeat(200))).to.deep.equal(sixteen)
    // Node keeps each request in memory until the connection ends.
    expect((await answers(request.repeat(1_000))).length).to.be.at.most(16)
    await service.stop()
  })
})
