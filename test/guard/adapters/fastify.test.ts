import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import Fastify from 'fastify'
import type { Guard } from '../../../src/guard.js'
import { fastifyGuard, type FastifyGuardOptions } from '../../../src/guard/adapters/fastify.js'
import { startGuard } from '../../support/guard.js'
import { freePort, until } from '../../support/processes.js'

describe('the guard in Fastify', () => {
  let guard: Guard
  before(async () => {
    guard = startGuard(`http://127.0.0.1:${await freePort()}`)
  })
  after(() => guard.close())

  const cases: Record<string, FastifyGuardOptions> = {
    'before the reply is sent': {},
    'and onRefused has not answered': { onRefused: () => undefined },
  }
  for (const [name, options] of Object.entries(cases))
    it(`a refused request is not handled when its client is gone ${name}`, async () => {
      const app = Fastify()
      let handled = 0
      let sending = false
      let failed = 0
      app.addHook('onRequest', fastifyGuard(guard, options))
      // As a plugin that compresses, or saves a session: the reply waits for it.
      const saved = new EventEmitter()
      app.addHook('onSend', async () => {
        if (sending) return
        sending = true
        await once(saved, 'done')
      })
      app.addHook('onError', async () => {
        failed += 1
      })
      app.post('/', async () => {
        handled += 1
        return 'handled'
      })
      const origin = await app.listen({ host: '127.0.0.1', port: 0 })
      let accepted = false
      app.server.on('request', () => (accepted = true))
      try {
        const socket = connect(Number(new URL(origin).port), '127.0.0.1')
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
        await until('the request is there', () => (options.onRefused ? accepted : sending))
        socket.destroy()
        await until('the hook has ended', () => handled + failed > 0)
        expect(handled).to.equal(0)
      } finally {
        saved.emit('done')
        await app.close()
      }
    })
})
