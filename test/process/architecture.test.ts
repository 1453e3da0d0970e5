import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))
const source = join(root, 'src')
const files = readdirSync(source, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts'))
const textOf = (file: string) => readFileSync(join(source, file), 'utf8')

type Import = { from: string; to: string; typeOnly: boolean }
const isOfTypes = (clause: string) =>
  clause.startsWith('type ') ||
  (/^\{[^}]*\}$/.test(clause.trim()) &&
    clause
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .every((name) => name.startsWith('type ')))
const imports: Import[] = files.flatMap((from) =>
  [
    ...textOf(from).matchAll(/^(?:import|export) (?:([^'"]*?) from )?'([^']+)'/gm),
    ...textOf(from).matchAll(/()\bimport\('([^']+)'\)/g),
  ].map(([, clause = '', specifier = '']) => ({
    from,
    to: specifier.startsWith('.')
      ? relative(source, join(source, dirname(from), specifier)).replace(/\.js$/, '.ts')
      : specifier,
    typeOnly: isOfTypes(clause),
  })),
)
const importersOf = (vendor: string) =>
  [...new Set(imports.filter(({ to }) => to === vendor).map(({ from }) => from))].sort()
/** The files and packages that are loaded with these files. */
function reachedFrom(...entries: string[]): Set<string> {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const { to, typeOnly } of imports.filter(({ from }) => from === file))
      if (!typeOnly) visit(to)
  }
  entries.forEach(visit)
  return reached
}
/** The first folder of a file, or its name where it stands at the root. */
const roomOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file)
const doors = ['main.ts', 'guard.ts', 'client.ts', 'embedded.ts']

const everything = ['runtime', 'errors.ts', 'contract.ts', 'telemetry', 'config']
const domain = [...everything, 'token', 'revocation', 'audit', 'feed', 'access', 'signals']
/** What the files of a room may import, types included, besides each other. */
const mayImport: Record<string, readonly string[]> = {
  runtime: [],
  'errors.ts': [],
  'contract.ts': [],
  telemetry: ['runtime', 'errors.ts'],
  token: everything,
  revocation: [...everything, 'token'],
  audit: [...everything, 'token', 'revocation'],
  feed: [...everything, 'token', 'revocation'],
  access: [...everything, 'token', 'revocation', 'audit', 'feed'],
  signals: [...everything, 'token', 'revocation', 'audit', 'feed'],
  operations: domain,
  http: [...domain, 'operations'],
  store: [...everything, 'token', 'revocation', 'audit', 'feed'],
  guard: ['runtime', 'errors.ts', 'token', 'revocation', 'feed'],
  client: ['runtime'],
  config: [...domain],
  service: [...domain, 'operations', 'http', 'store', 'guard', 'client'],
  agent: [...domain, 'operations', 'http', 'guard'],
  doctor: ['runtime', 'token'],
  cli: [...domain, 'client', 'service', 'agent', 'doctor'],
  'main.ts': ['cli'],
  'guard.ts': ['guard', 'runtime', 'token'],
  'client.ts': ['client'],
  'embedded.ts': ['service', 'http', 'telemetry'],
}

describe('the house', () => {
  it('one vendor, one door', () => {
    const vendors: Record<string, string[]> = {
      'koa-openapi': ['http/routes.ts'],
      'koa-bodyparser': ['http/request-body.ts'],
      '@koa/router': ['http/routes.ts'],
      '@koa/cors': ['http/cors.ts'],
      ajv: [],
      keyv: ['store/keyv.ts'],
      '@keyv/redis': ['store/redis/adapter.ts', 'store/redis/client.ts'],
      'rate-limiter-flexible': ['access/rate-limits.ts'],
      'proxy-addr': ['http/client-addresses.ts'],
      'ipaddr.js': ['runtime/ip-addresses.ts'],
      'eventsource-parser': ['guard/http-feed.ts'],
      jose: ['token/key-source.ts', 'token/signing.ts'],
      'prom-client': ['telemetry/registry.ts'],
      'openapi-fetch': ['client/client.ts'],
      '@nestjs/common': ['guard/adapters/nest.ts'],
      commander: ['cli/program.ts'],
      'pino-pretty': ['telemetry/pretty-log.ts'],
      ws: ['doctor/connection.ts'],
      yaml: ['doctor/configuration-file.ts'],
    }
    for (const [vendor, files] of Object.entries(vendors))
      expect(importersOf(vendor), vendor).to.deep.equal(files)
    const unlisted = imports.filter(
      ({ to, typeOnly }) =>
        !typeOnly &&
        !to.endsWith('.ts') &&
        !to.startsWith('node:') &&
        !to.startsWith('..') &&
        !(to in vendors),
    )
    expect(
      unlisted.map(({ to }) => to).filter((to) => !['koa', 'pino'].includes(to)),
    ).to.deep.equal([])
  })

  it('every route is the contract’s, registered by koa-openapi', () => {
    // `router.all`: the wildcard of the operations that are a check, which OpenAPI cannot describe.
    const registrations = files.flatMap((file) =>
      [...textOf(file).matchAll(/\brouter\s*(?:\.(\w+)|\[(\w+)\])\(/g)].map(
        ([, name, variable]) => `${file} ${name ?? variable}`,
      ),
    )
    expect(registrations).to.deep.equal([
      'http/routes.ts routes',
      'http/routes.ts get',
      'http/routes.ts post',
      'http/routes.ts all',
      'http/routes.ts routes',
    ])
  })

  it('only the command line sees the environment of the process', () => {
    expect(files.filter((file) => textOf(file).includes('process.env'))).to.deep.equal([
      'cli/main.ts',
    ])
  })

  it('every request over HTTP has a deadline', () => {
    const others = files.filter((file) => file !== 'runtime/http-client.ts')
    expect(others.filter((file) => /\bfetch\(|AbortSignal\.any/.test(textOf(file)))).to.deep.equal(
      [],
    )
    // There openapi-fetch sends the requests, and a browser has no other means.
    expect(others.filter((file) => textOf(file).includes('AbortSignal.timeout'))).to.deep.equal([
      'client/client.ts',
    ])
  })

  it('at the root stand the doors, the errors and the contract', () => {
    expect(
      readdirSync(source, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    ).to.deep.equal([...doors, 'README.md', 'contract.ts', 'errors.ts', 'tsconfig.json'].sort())
    for (const door of doors)
      expect(
        textOf(door)
          .replace(/^(#!.*|import '.*'|export (type )?\{[^}]*\} from '.*')$/gm, '')
          .trim(),
        door,
      ).to.equal('')
    expect(files.filter((file) => /(^|\/)index\.ts$/.test(file))).to.deep.equal([])
    expect(files.filter((file) => /[A-Z]/.test(file))).to.deep.equal([])
  })

  it('rooms import only what stands below them, types included', () => {
    const wrong = imports
      .filter(({ to }) => to.endsWith('.ts'))
      .map(({ from, to, typeOnly }) => ({
        from,
        to,
        typeOnly,
        rooms: [roomOf(from), roomOf(to)] as const,
      }))
      .filter(({ to, typeOnly, rooms: [importer, imported] }) => {
        if (to.startsWith('..') || importer === imported) return false
        // Only the rooms that build the parts read values; every other room may import types.
        if (imported === 'config' && !typeOnly && !['cli', 'service', 'agent'].includes(importer))
          return true
        return !mayImport[importer]?.includes(imported)
      })
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).to.deep.equal([])
    expect(
      imports.filter(({ from, to }) => to.startsWith('koa') && !from.startsWith('http/')),
    ).to.deep.equal([])
  })

  it('the guard and its subpaths reach neither Koa nor Redis nor keyv nor the log', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, { default: string } | string>
    }
    const subpaths = Object.entries(exports).flatMap(([path, target]) =>
      path.startsWith('./guard') && typeof target === 'object'
        ? [target.default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts')]
        : [],
    )
    const reached = reachedFrom(...subpaths)
    expect([...reached]).to.include.members(['guard.ts', 'guard/testing.ts'])
    const vendors = [...reached].filter(
      (to) => !to.endsWith('.ts') && !to.startsWith('node:') && !to.startsWith('..'),
    )
    // Nest is an optional peer of `cierre/guard/nest`.
    expect(vendors.sort()).to.deep.equal(['@nestjs/common', 'eventsource-parser', 'jose'])
    expect(
      [...reached].filter((to) => to.startsWith('http/') || to.startsWith('operations/')),
    ).to.deep.equal([])
  })

  it('the agent reaches neither Koa nor Redis nor keyv', () => {
    const reached = reachedFrom('agent/run.ts')
    const vendors = [...reached].filter((to) => /^[a-z@]/.test(to) && !to.endsWith('.ts'))
    expect(vendors.filter((to) => !to.startsWith('node:')).sort()).to.deep.equal([
      'eventsource-parser',
      'ipaddr.js',
      'jose',
      'pino',
      'prom-client',
      'rate-limiter-flexible',
    ])
    expect([...reached].filter((to) => to.startsWith('store/'))).to.deep.equal([])
  })

  it('the client reaches nothing but openapi-fetch, and nothing of Node', () => {
    const reached = reachedFrom('client.ts')
    expect([...reached].sort()).to.deep.equal([
      'client.ts',
      'client/client.ts',
      'client/contract-answer.ts',
      'client/repeat.ts',
      'openapi-fetch',
      'runtime/basic-authorization.ts',
    ])
  })

  it('no cycles, types included', () => {
    const next = new Map(
      files.map((file) => [
        file,
        imports.filter(({ from, to }) => from === file && to.endsWith('.ts')).map(({ to }) => to),
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

  it('no file is longer than 250 lines', () => {
    const long = files.filter((file) => textOf(file).trimEnd().split('\n').length > 250)
    expect(long).to.deep.equal([])
  })

  it('at most 8 % of the functions are nested two levels deep or more', () => {
    let all = 0
    let nested = 0
    const count = (node: ts.Node, depth: number) => {
      const isFunction = ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
      if (isFunction) all += 1
      if (isFunction && depth >= 2) nested += 1
      ts.forEachChild(node, (child) => count(child, depth + (isFunction ? 1 : 0)))
    }
    for (const file of files)
      count(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest), 0)
    expect(all).to.be.above(1_000)
    expect(nested / all, `${nested} of ${all}`).to.be.at.most(0.08)
  })

  it('at most eight exceptions from the linter, each with its reason', () => {
    const exceptions = ['src', 'test', 'scripts'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.[jt]s$|\.mjs$/.test(entry.name))
        .map(({ parentPath, name }) => join(parentPath, name))
        .filter((path) => path !== fileURLToPath(import.meta.url))
        .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
        .filter((line) => line.includes('eslint-disable')),
    )
    expect(exceptions.filter((line) => !/ -- \S+ \S+/.test(line))).to.deep.equal([])
    expect(exceptions).to.have.lengthOf.at.most(8)
  })

  it('one file per operation, named for it', () => {
    const named = files
      .filter((file) => file.startsWith('operations/') && file !== 'operations/operation.ts')
      .map((file) => file.slice('operations/'.length, -3))
      .map((name) => name.replace(/-./g, (dash) => dash.slice(1).toUpperCase()))
    const contract = readFileSync(join(root, 'openapi.yaml'), 'utf8')
    expect(named.sort()).to.deep.equal(
      [...contract.matchAll(/operationId: (\w+)/g)].map(([, id]) => id).sort(),
    )
  })
})
