import 'reflect-metadata'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Controller, Get, Module, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expressGuard } from '../../src/guard/adapters/express.js'
import { fastifyGuard } from '../../src/guard/adapters/fastify.js'
import { honoGuard } from '../../src/guard/adapters/hono.js'
import { koaGuard } from '../../src/guard/adapters/koa.js'
import { nestGuard } from '../../src/guard/adapters/nest.js'
import { nodeGuard } from '../../src/guard/adapters/node.js'
import type { AdapterOptions, Guard, GuardError } from '../../src/guard.js'

/** The options of an adapter, without types of a framework. */
export type Options = AdapterOptions<never, never>

export type Framework = Readonly<{
  /** An API that answers the subject of the token, or `anonymous`, and counts what it handles. */
  listen(guard: Guard, options: Options, handled: () => void): Promise<RequestListener>
  /** `onRefused` that answers 418 with the code of the error. */
  ownAnswer(error: GuardError, request: never, response: never): unknown
}>

type Claims = { sub?: string } | undefined
const subjectOf = (claims: Claims) => claims?.sub ?? 'anonymous'

const endWith418 = ({ code }: GuardError, _request: never, response: ServerResponse) =>
  response.writeHead(418).end(code)

export const frameworks: Readonly<Record<string, Framework>> = {
  'node:http': {
    async listen(guard, options, handled) {
      const check = nodeGuard(guard, options)
      const answer = async (request: IncomingMessage, response: ServerResponse) => {
        const passed = await check(request, response)
        if (passed === undefined) return
        handled()
        response.end(subjectOf(passed.claims))
      }
      return (request, response) => {
        answer(request, response).catch(() => response.writeHead(500).end())
      }
    },
    ownAnswer: endWith418,
  },
  'Express 5': {
    async listen(guard, options, handled) {
      const app = express().use(expressGuard(guard, options))
      app.set('env', 'test') // Express logs errors elsewhere.
      return app.get('/', (request, response) => {
        handled()
        response.send(subjectOf(request.claims))
      })
    },
    ownAnswer: ({ code }, _request, response: express.Response) => response.status(418).send(code),
  },
  'Koa 3': {
    async listen(guard, options, handled) {
      const app = new Koa()
      app.silent = true
      app.use(koaGuard(guard, options))
      app.use((ctx) => {
        handled()
        ctx.body = subjectOf((ctx.state as { claims: Claims }).claims)
      })
      const respond = app.callback()
      return (request, response) => void respond(request, response)
    },
    ownAnswer({ code }, _ctx, ctx: Koa.Context) {
      ctx.status = 418
      ctx.body = code
    },
  },
  'Fastify 5': {
    async listen(guard, options, handled) {
      const app = Fastify().addHook('onRequest', fastifyGuard(guard, options))
      app.get('/', async (request) => {
        handled()
        return subjectOf(request.claims)
      })
      await app.ready()
      return (request, response) => app.routing(request, response)
    },
    ownAnswer: (
      { code },
      _request,
      reply: { code(status: number): { send(body: string): unknown } },
    ) => reply.code(418).send(code),
  },
  Hono: {
    async listen(guard, options, handled) {
      const app = new Hono().use(honoGuard(guard, options)).get('/', (c) => {
        handled()
        return c.text(subjectOf(c.get('claims')))
      })
      app.onError((_error, c) => c.text('', 500))
      const respond = getRequestListener(app.fetch)
      return (request, response) => void respond(request, response)
    },
    ownAnswer: ({ code }) => new Response(code, { status: 418 }),
  },
  'Nest 11': { listen: nestApi, ownAnswer: endWith418 },
}

/** The decorators are called, since TypeScript's own are not what this project is compiled with. */
async function nestApi(guard: Guard, options: Options, handled: () => void) {
  class Api {
    subject(request: { claims?: Claims }) {
      handled()
      return subjectOf(request.claims)
    }
  }
  Controller()(Api)
  UseGuards(nestGuard(guard, options))(Api)
  Req()(Api.prototype, 'subject', 0)
  Get()(Api.prototype, 'subject', Object.getOwnPropertyDescriptor(Api.prototype, 'subject')!)
  class Root {}
  Module({ controllers: [Api] })(Root)
  const app = await NestFactory.create(Root, { logger: false })
  await app.init()
  return app.getHttpAdapter().getInstance() as RequestListener
}

/** Servers that are closed together. */
export function createServers() {
  const servers: Server[] = []
  return {
    /** @returns the origin */
    async serve(listener: RequestListener): Promise<string> {
      const server = createServer(listener).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    close() {
      for (const server of servers) server.close().closeAllConnections()
    },
  }
}
