import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../', import.meta.url))

type Manifest = {
  version: string
  exports: Record<string, unknown>
  dependencies: Record<string, string>
}
const manifestIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const main = manifestIn(root)

describe('npm run pack: three packages of one tree', () => {
  let work: string
  before(() => {
    work = mkdtempSync(join(tmpdir(), 'cierre-packages-'))
  })
  after(() => rmSync(work, { recursive: true }))

  const pack = (cwd: string, to: string) =>
    spawnSync('npm', ['run', '--silent', 'pack', '--', '--pack-destination', to], {
      cwd,
      encoding: 'utf8',
    })
  /** The files and the manifest of a packed package. */
  const unpacked = (tarball: string) => {
    const folder = mkdtempSync(join(work, 'unpacked-'))
    execFileSync('tar', ['-xzf', tarball, '--strip-components', '1', '-C', folder])
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    return { files, manifest: manifestIn(folder) }
  }

  it('prints their paths; the small ones have the version, the exports and the versions of dependencies of the main one', () => {
    const to = join(work, 'new/folder')
    const { status, stdout, stderr } = pack(root, to)
    expect(status, stderr).to.equal(0)
    const paths = ['cierre', 'cierre-guard', 'cierre-client'].map((name) =>
      join(to, `${name}-${main.version}.tgz`),
    )
    expect(stdout.trimEnd().split('\n')).to.deep.equal(paths)
    const [whole, guard, client] = paths.map(unpacked)

    expect(whole?.manifest).to.deep.include({ version: main.version, exports: main.exports })
    for (const [small, entry, dependencies] of [
      [guard, './guard', ['eventsource-parser', 'jose']],
      [client, './client', ['openapi-fetch']],
    ] as const) {
      expect(small?.manifest.version).to.equal(main.version)
      const exported = Object.entries(main.exports)
        .filter(([path]) => path === entry || path.startsWith(`${entry}/`))
        .map(([path, target]) => [path.replace(entry, '.'), target])
      expect(small?.manifest.exports).to.deep.equal({
        ...Object.fromEntries(exported),
        './package.json': './package.json',
      })
      expect(small?.manifest.dependencies).to.deep.equal(
        Object.fromEntries(dependencies.map((name) => [name, main.dependencies[name]])),
      )
      expect(small?.files).to.include.members(['README.md', 'LICENSE', 'CHANGELOG.md'])
    }
    const roomsOf = (files: readonly string[] = []) =>
      new Set(files.flatMap((file) => /^dist\/([\w-]+)\//.exec(file)?.[1] ?? []))
    expect([...roomsOf(guard?.files)]).to.have.members([
      'guard',
      'feed',
      'revocation',
      'token',
      'runtime',
    ])
    expect([...roomsOf(client?.files)]).to.have.members(['client', 'runtime'])
    expect(whole?.files.filter((file) => file.endsWith('.tgz'))).to.deep.equal([])
  })

  for (const [what, file, line, message] of [
    [
      'a package that the guard must not depend on',
      'dist/token/keys.js',
      "import 'ajv/dist/core.js'",
      'cierre-guard must not depend on ajv, which dist/token/keys.js imports',
    ],
    [
      'such a package in the types alone',
      'dist/guard/types.d.ts',
      "export type Range = import('ipaddr.js').IPv4",
      'cierre-guard must not depend on ipaddr.js, which dist/guard/types.d.ts imports',
    ],
    [
      'such a package that is imported later',
      'dist/guard/testing.js',
      "export const later = () => import('koa')",
      'cierre-guard must not depend on koa, which dist/guard/testing.js imports',
    ],
    [
      'a file that is read beside the code',
      'dist/client/repeat.js',
      "export const beside = new URL('beside.lua', import.meta.url)",
      'dist/client/repeat.js may read files that are not packed',
    ],
  ] as const) {
    it(`fails for ${what}`, () => {
      // As an unpacked package, whose dist/ is used as it is.
      const tree = mkdtempSync(join(work, 'tree-'))
      for (const part of [
        'package.json',
        'LICENSE',
        'CHANGELOG.md',
        'scripts',
        'dist',
        'generated',
      ])
        cpSync(join(root, part), join(tree, part), { recursive: true })
      symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
      appendFileSync(join(tree, file), `\n${line}\n`)
      const to = join(tree, 'packed')
      const { status, stderr } = pack(tree, to)
      expect(status).not.to.equal(0)
      expect(stderr).to.include(`Error: ${message}`)
      expect(existsSync(to), 'nothing is written').to.equal(false)
    })
  }
})
