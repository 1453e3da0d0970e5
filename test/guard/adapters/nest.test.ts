import 'reflect-metadata'
import type { RequestListener } from 'node:http'
import {
  Catch,
  Controller,
  Get,
  HttpException,
  Module,
  Req,
  UnauthorizedException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common'
import { APP_GUARD, NestFactory } from '@nestjs/core'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { expect } from 'chai'
import type express from 'express'
import { GuardError, type Guard } from '../../../src/guard.js'
import { nestGuard, type NestGuardOptions } from '../../../src/guard/adapters/nest.js'
import { createServers } from '../../support/adapters.js'
import { clientsVariable } from '../../support/clients.js'
import { startGuard } from '../../support/guard.js'
import { send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'
import { token } from '../../support/tokens.js'

/** Catches everything, as the documentation of Nest shows it. */
class EveryException implements ExceptionFilter {
  readonly caught: unknown[] = []
  catch(exception: unknown, host: ArgumentsHost) {
    this.caught.push(exception)
    const status = exception instanceof HttpException ? exception.getStatus() : 500
    host.switchToHttp().getResponse<express.Response>().status(status).json({ own: status })
  }
}
Catch()(EveryException)

describe('the guard in Nest', () => {
  let service: TestService
  let guard: Guard
  const servers = createServers()
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin)
    await guard.ready()
  })
  after(async () => {
    servers.close()
    await guard.close()
    await service.stop()
  })
  type Way = 'useGlobalGuards' | 'APP_GUARD'
  const api = async (way: Way, options: NestGuardOptions = {}, filters: ExceptionFilter[] = []) => {
    class Api {
      subject(request: express.Request) {
        return request.claims?.sub
      }
    }
    Controller()(Api)
    Req()(Api.prototype, 'subject', 0)
    Get()(Api.prototype, 'subject', Object.getOwnPropertyDescriptor(Api.prototype, 'subject')!)
    const nested = nestGuard(guard, options)
    class Root {}
    Module({
      controllers: [Api],
      providers: way === 'APP_GUARD' ? [{ provide: APP_GUARD, useValue: nested }] : [],
    })(Root)
    const app = await NestFactory.create(Root, { logger: false })
    if (way === 'useGlobalGuards') app.useGlobalGuards(nested)
    app.useGlobalFilters(...filters)
    await app.init()
    return servers.serve(app.getHttpAdapter().getInstance() as RequestListener)
  }
  const bearer = async () => ({ authorization: `Bearer ${await token({ sub: 'alice' })}` })

  for (const way of ['useGlobalGuards', 'APP_GUARD'] as const)
    it(`200 and 401 by ${way}`, async () => {
      const origin = await api(way)
      const good = await send(origin, { headers: await bearer() })
      expect([good.status, good.text]).to.deep.equal([200, 'alice'])
      const none = await send(origin, {})
      expect([none.status, none.json]).to.deep.equal([401, { error: 'invalid_token' }])
    })

  it('exception filters see an UnauthorizedException with the GuardError, and answer; the challenge is kept', async () => {
    const filter = new EveryException()
    const answer = await send(await api('useGlobalGuards', {}, [filter]), {})
    expect([answer.status, answer.json, answer.headers['www-authenticate']]).to.deep.equal([
      401,
      { own: 401 },
      'Bearer realm="cierre"',
    ])
    const [exception] = filter.caught as [UnauthorizedException]
    expect(exception).to.be.instanceOf(UnauthorizedException)
    expect(exception.cause).to.be.instanceOf(GuardError)
  })

  it('onRefused that returns answers nothing by itself: Nest does', async () => {
    const seen: unknown[] = []
    const origin = await api('useGlobalGuards', { onRefused: ({ code }) => seen.push(code) })
    const answer = await send(origin, {})
    expect([answer.status, answer.json, seen]).to.deep.equal([
      401,
      { error: 'invalid_token' },
      ['token_missing'],
    ])
  })

  it('lets nothing through that is not HTTP', async () => {
    const context = new ExecutionContextHost([{}, {}])
    context.setType('rpc')
    const error = await nestGuard(guard, { optional: true })
      .canActivate(context)
      .catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(TypeError)
    expect((error as Error).message).to.equal('nestGuard guards HTTP alone, not rpc')
  })
})
