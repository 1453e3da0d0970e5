import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

const root = new URL('../../../', import.meta.url).pathname

/** What an API writes, with the options and the claims of each framework. */
const withFrameworks = {
  'express.ts': `
    import express from 'express'
    import { expressGuard, fromCookie } from 'cierre/guard/express'
    import type { Claims, Guard } from 'cierre/guard'
    type Own = Claims<{ role: string }>
    export const api = (guard: Guard) =>
      express()
        .use(expressGuard(guard, { getToken: fromCookie('token'), optional: true }))
        .use(
          expressGuard(guard, {
            getToken: (request: express.Request) => request.ip,
            onRefused: (error, _request, response: express.Response) =>
              response.status(error.status).set(error.headers).json(error.body),
          }),
        )
        .get('/:id', expressGuard(guard), (request, response) => {
          const id: string = request.params.id
          const sub: string | undefined = request.claims?.sub
          const role: string | undefined = (request.claims as Own | undefined)?.role
          // @ts-expect-error claims are there only behind the guard
          request.claims.sub
          response.send([id, sub, role])
        })`,
  'fastify.ts': `
    import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
    import { fastifyGuard } from 'cierre/guard/fastify'
    import type { Guard } from 'cierre/guard'
    export const api = (guard: Guard) => {
      const app = Fastify()
      app.addHook('onRequest', fastifyGuard(guard, { scopes: ['read'], language: 'es' }))
      app.addHook('preHandler', fastifyGuard(guard))
      app.get<{ Params: { id: string } }>(
        '/:id',
        {
          onRequest: fastifyGuard(guard, {
            getToken: (request: FastifyRequest) => request.headers['x-token']?.toString(),
            onRefused: (error, _request, reply: FastifyReply) => reply.code(error.status).send(error.body),
          }),
        },
        async (request) => {
          const sub: string | undefined = request.claims?.sub
          // @ts-expect-error claims are there only behind the guard
          request.claims.sub
          return [request.params.id, sub]
        },
      )
      return app
    }`,
  'hono.ts': `
    import { Hono, type Context } from 'hono'
    import { honoGuard } from 'cierre/guard/hono'
    import type { Guard } from 'cierre/guard'
    export const api = (guard: Guard) =>
      new Hono()
        .use(honoGuard(guard, { getToken: (c: Context) => c.req.query('t') }))
        .get('/', honoGuard(guard, { onRefused: (error, c: Context) => c.redirect('/login?' + error.code) }), (c) => {
          const sub: string | undefined = c.get('claims')?.sub
          return c.text(String(sub))
        })`,
  'koa.ts': `
    import Koa from 'koa'
    import { koaGuard } from 'cierre/guard/koa'
    import type { Claims, Guard } from 'cierre/guard'
    export const api = (guard: Guard) => {
      const app = new Koa<{ claims: Claims<{ role: string }> }>()
      app.use(
        koaGuard(guard, {
          getToken: (ctx: Koa.Context) => ctx.cookies.get('token'),
          onRefused: (error, ctx: Koa.Context) => ctx.redirect('/login?' + error.code),
        }),
      )
      app.use((ctx) => {
        const role: string = ctx.state.claims.role
        ctx.body = role
      })
      return app
    }`,
  'nest.ts': `
    import { UseGuards, UnauthorizedException, type INestApplication } from '@nestjs/common'
    import type { Request } from 'express'
    import { nestGuard } from 'cierre/guard/nest'
    import type { Guard } from 'cierre/guard'
    export const protect = (app: INestApplication, guard: Guard) =>
      app.useGlobalGuards(nestGuard(guard, { optional: true }))
    export const decorate = (guard: Guard) =>
      UseGuards(
        nestGuard(guard, {
          onRefused: (error) => {
            throw new UnauthorizedException(error.code)
          },
        }),
      )
    export const subjectOf = (request: Request): string | undefined => request.claims?.sub`,
  'jwt.ts': `
    import { expressjwt } from 'express-jwt'
    import koaJwt from 'koa-jwt'
    import { fromCookie, isRevokedForExpressJwt, isRevokedForKoaJwt, type Guard } from 'cierre/guard'
    export const express = (guard: Guard) =>
      expressjwt({
        secret: 'x',
        algorithms: ['HS256'],
        isRevoked: isRevokedForExpressJwt(guard, { getToken: fromCookie('token') }),
      })
    export const koa = (guard: Guard) => koaJwt({ secret: 'x', isRevoked: isRevokedForKoaJwt(guard) })`,
}

/** What an API of no framework writes. */
const withoutFrameworks = {
  'plain.ts': `
    import { createServer } from 'node:http'
    import { nodeGuard } from 'cierre/guard/node'
    import {
      createGuard, expressGuard, fastifyGuard, fromCookie, fromHeader, fromProtocol, fromQuery, guardRequest, honoGuard,
      isRevokedForExpressJwt, isRevokedForKoaJwt, koaGuard,
      type AdapterOptions, type Claims, type Guard, type TokenSource,
    } from 'cierre/guard'
    export const names = [
      expressGuard, fastifyGuard, fromHeader, fromProtocol, fromQuery, guardRequest, honoGuard,
      isRevokedForExpressJwt, isRevokedForKoaJwt, koaGuard,
    ]
    export const source: TokenSource = fromCookie('token')
    export const options: AdapterOptions<object> = { getToken: source, challenge: undefined, language: undefined }
    const guard: Guard = createGuard({ issuers: [{ secret: 'x' }], feed: { url: 'x', clientId: 'x', clientSecret: 'x' } })
    const check = nodeGuard(guard, { getToken: source, scopes: ['read'] })
    export const server = createServer(async (request, response) => {
      const passed = await check(request, response)
      if (passed !== undefined) response.end(passed.claims?.sub)
    })
    export const roleOf = async (token: string | undefined): Promise<string> => {
      const claims: Claims<{ role: string }> = await guard.check<{ role: string }>({ token })
      return claims.role
    }
    // @ts-expect-error no such option
    nodeGuard(guard, { scope: 'read' })
    // @ts-expect-error no such language
    nodeGuard(guard, { language: 'fr' })`,
  'express-without-types.ts': `export { expressGuard } from 'cierre/guard/express'`,
  'koa-without-types.ts': `export { koaGuard } from 'cierre/guard/koa'`,
}

describe('the types of the adapters, in a strict project', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cierre-types-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** Compiles files where the built package and these packages are installed. */
  const compile = async (
    name: string,
    files: Record<string, string>,
    packages: readonly string[],
    skipLibCheck: boolean,
  ) => {
    const project = join(folder, name)
    for (const file of ['package.json', 'dist'])
      cpSync(join(root, file), join(project, 'node_modules/cierre', file), {
        recursive: true,
        filter: (path) => !/\.js$|dist\/docs/.test(path),
      })
    for (const installed of ['@types/node', 'undici-types', 'jose', ...packages]) {
      const at = join(project, 'node_modules', installed)
      mkdirSync(dirname(at), { recursive: true })
      symlinkSync(join(root, 'node_modules', installed), at)
    }
    for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text)
    writeFileSync(join(project, 'package.json'), '{"type":"module"}')
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          target: 'es2022',
          module: 'nodenext',
          types: ['node'],
          experimentalDecorators: true,
          skipLibCheck,
        },
      }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    return promisify(execFile)(process.execPath, [tsc, '-p', project]).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    )
  }

  it('request.claims of Express, Fastify and Nest, and the options of each framework, have their types', async () => {
    const packages = [
      ...['express', 'fastify', 'hono', 'koa', 'express-jwt', 'koa-jwt', '@nestjs/common', 'rxjs'],
      ...['express', 'express-serve-static-core', 'koa'].map((name) => `@types/${name}`),
    ]
    // The declarations of frameworks are theirs to check.
    expect(await compile('with', withFrameworks, packages, true)).to.equal('')
  })

  it('compile where no framework is installed, every declaration checked', async () => {
    expect(await compile('without', withoutFrameworks, [], false)).to.equal('')
  })
})
