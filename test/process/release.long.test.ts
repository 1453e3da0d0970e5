import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../', import.meta.url))

type Sbom = Readonly<{
  bomFormat: string
  metadata: Readonly<{ component: Readonly<{ name: string; version: string }> }>
  components: readonly Readonly<{ name: string }>[]
}>

describe('npm run release', function () {
  this.timeout(600_000)
  let clone: string
  before(() => {
    clone = mkdtempSync(join(tmpdir(), 'cierre-clone-'))
  })
  after(() => rmSync(clone, { recursive: true }))

  const inClone = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { cwd: clone, encoding: 'utf8' })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@issuer.test', ...args], {
      cwd: clone,
    })

  it('refuses what is not dated or not clean; then three packages, their SBOMs and sums', async () => {
    execFileSync('git', ['clone', '--quiet', root, clone])
    cpSync(join(root, 'node_modules'), join(clone, 'node_modules'), { recursive: true })
    const { version } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as {
      version: string
    }
    const changelog = join(clone, 'CHANGELOG.md')
    const text = readFileSync(changelog, 'utf8').replaceAll(`\n## ${version} - `, '\n## before - ')
    writeFileSync(changelog, `${text}\n`)
    const refused = inClone('npm', ['run', '--silent', 'release'])
    expect(refused.status).to.equal(1)
    expect(refused.stderr.trim().split('\n')).to.deep.equal([
      'no release: the checkout is not clean',
      `no release: CHANGELOG.md has no dated section for ${version}`,
    ])

    writeFileSync(changelog, text.replace(/^## /m, `## ${version} - 2026-01-31\n\n## `))
    git('commit', '--quiet', '--all', '--message', 'a dated version')
    const made = inClone('npm', ['run', '--silent', 'release'])
    expect(made.status, made.stderr).to.equal(0)
    const folder = join(clone, 'dist/release')
    const packages = ['cierre', 'cierre-client', 'cierre-guard']
    expect(readdirSync(folder).sort()).to.deep.equal(
      [
        'SHA256SUMS',
        ...packages.flatMap((name) => [`${name}-${version}.cdx.json`, `${name}-${version}.tgz`]),
      ].sort(),
    )
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder })
    const sbomOf = (name: string) =>
      JSON.parse(readFileSync(join(folder, `${name}-${version}.cdx.json`), 'utf8')) as Sbom
    for (const name of packages) {
      const { bomFormat, metadata } = sbomOf(name)
      expect(bomFormat).to.equal('CycloneDX')
      expect([metadata.component.name, metadata.component.version]).to.deep.equal([name, version])
    }
    const named = (name: string) => sbomOf(name).components.map((component) => component.name)
    expect(named('cierre-guard').sort()).to.deep.equal(['eventsource-parser', 'jose'])
    expect(named('cierre')).to.include.members(['koa', 'jose', 'keyv', '@keyv/redis'])
    expect(named('cierre')).to.not.include.members(['mocha', 'typescript'])
  })
})
