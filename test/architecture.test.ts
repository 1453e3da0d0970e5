import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../', import.meta.url))
const source = join(root, 'src')
const files = readdirSync(source, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts'))
const textOf = (file: string) => readFileSync(join(source, file), 'utf8')

type Import = { from: string; to: string; typeOnly: boolean }
const imports: Import[] = files.flatMap((from) =>
  [...textOf(from).matchAll(/^import (type )?[^'"]*from '([^']+)'/gm)].map(
    ([, type, specifier = '']) => ({
      from,
      to: specifier.startsWith('.')
        ? relative(source, join(source, dirname(from), specifier)).replace(/\.js$/, '.ts')
        : specifier,
      typeOnly: type !== undefined,
    }),
  ),
)
const importersOf = (vendor: string) =>
  [...new Set(imports.filter(({ to }) => to === vendor).map(({ from }) => from))].sort()

describe('the house', () => {
  it('one vendor, one door', () => {
    const doors: Record<string, string[]> = {
      'koa-openapi': ['http/contract.ts'],
      'koa-bodyparser': ['http/body.ts'],
      '@koa/router': ['http/contract.ts'],
      '@koa/cors': ['http/app.ts'],
      ajv: [],
      keyv: ['store/store.ts'],
      '@keyv/redis': ['store/redis.ts'],
      'rate-limiter-flexible': ['limits.ts'],
      'proxy-addr': ['addresses.ts'],
      'ipaddr.js': ['addresses.ts'],
      'eventsource-parser': ['guard/feed-client.ts'],
      jose: ['token/development.ts', 'token/key-source.ts'],
      'prom-client': ['metrics.ts'],
      'openapi-fetch': ['client.ts'],
      commander: ['cli.ts'],
    }
    for (const [vendor, files] of Object.entries(doors))
      expect(importersOf(vendor), vendor).to.deep.equal(files)
    const unlisted = imports.filter(
      ({ to, typeOnly }) =>
        !typeOnly &&
        !to.endsWith('.ts') &&
        !to.startsWith('node:') &&
        !to.startsWith('..') &&
        !(to in doors),
    )
    expect(
      unlisted.map(({ to }) => to).filter((to) => !['koa', 'pino'].includes(to)),
    ).to.deep.equal([])
  })

  it('only main.ts sees the environment of the process', () => {
    expect(files.filter((file) => textOf(file).includes('process.env'))).to.deep.equal(['main.ts'])
  })

  it('whoever asks over HTTP does so with waits that end', () => {
    const others = files.filter((file) => file !== 'asking.ts')
    expect(others.filter((file) => /\bfetch\(|AbortSignal\.any/.test(textOf(file)))).to.deep.equal(
      [],
    )
    // openapi-fetch asks there; a browser has no other means.
    expect(others.filter((file) => textOf(file).includes('AbortSignal.timeout'))).to.deep.equal([
      'client.ts',
    ])
  })

  it('dependencies point one way: http → operations → domain', () => {
    const outer = new Set(['main.ts', 'serve.ts', 'service.ts', 'cli.ts'])
    const wrong = imports.filter(({ from, to }) => {
      if (outer.has(from)) return false
      if (to.startsWith('http/')) return !from.startsWith('http/')
      if (to.startsWith('operations/'))
        return !from.startsWith('http/') && !from.startsWith('operations/')
      return outer.has(to)
    })
    expect(wrong).to.deep.equal([])
    expect(
      imports.filter(({ from, to }) => to.startsWith('koa') && !from.startsWith('http/')),
    ).to.deep.equal([])
    expect(
      imports.filter(({ from, to }) => from.startsWith('token/') && to.startsWith('store/')),
    ).to.deep.equal([])
  })

  it('the guard reaches neither Koa nor Redis nor keyv nor the log', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { to, typeOnly } of imports.filter(({ from }) => from === file))
        if (!typeOnly) visit(to)
    }
    visit('guard.ts')
    const vendors = [...reached].filter(
      (to) => !to.endsWith('.ts') && !to.startsWith('node:') && !to.startsWith('..'),
    )
    expect(vendors.sort()).to.deep.equal(['eventsource-parser', 'jose'])
    expect(
      [...reached].filter((to) => to.startsWith('http/') || to.startsWith('operations/')),
    ).to.deep.equal([])
  })

  it('the client reaches nothing but openapi-fetch, and nothing of Node', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { to, typeOnly } of imports.filter(({ from }) => from === file))
        if (!typeOnly) visit(to)
    }
    visit('client.ts')
    expect([...reached].sort()).to.deep.equal([
      'basic.ts',
      'client.ts',
      'client/repeat.ts',
      'openapi-fetch',
    ])
  })

  it('no cycles', () => {
    const next = new Map(
      files.map((file) => [
        file,
        imports
          .filter(({ from, to, typeOnly }) => from === file && to.endsWith('.ts') && !typeOnly)
          .map(({ to }) => to),
      ]),
    )
    const done = new Set<string>()
    const visit = (file: string, path: string[]): void => {
      expect(path, 'a cycle').not.to.include(file)
      if (done.has(file)) return
      for (const to of next.get(file) ?? []) visit(to, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })

  it('one file per operation, named for it', () => {
    const named = files
      .filter((file) => file.startsWith('operations/') && file !== 'operations/operation.ts')
      .map((file) => file.slice('operations/'.length, -3))
    const contract = readFileSync(join(root, 'openapi.yaml'), 'utf8')
    expect(named.sort()).to.deep.equal(
      [...contract.matchAll(/operationId: (\w+)/g)].map(([, id]) => id).sort(),
    )
  })
})
