import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

type Manifest = {
  version: string
  license: string
  homepage: string
  bugs: { url: string }
  repository: { type: string; url: string }
  author: { name: string; url: string }
  scripts: Record<string, string>
}
type Info = {
  version: string
  contact: { name: string; url: string }
  license: { name: string; identifier: string }
}

describe('the package and its contract', () => {
  const manifest = JSON.parse(textOf('package.json')) as Manifest
  const { info } = parse(textOf('openapi.yaml')) as { info: Info }

  it('have one version, one license, one author and one address', () => {
    const home = manifest.author.url
    expect(info).to.deep.include({
      version: manifest.version,
      contact: { name: manifest.author.name, url: manifest.bugs.url },
      license: { name: manifest.license, identifier: manifest.license },
    })
    expect(manifest).to.deep.include({
      homepage: `${home}#readme`,
      bugs: { url: `${home}/issues` },
      repository: { type: 'git', url: `git+${home}.git` },
    })
    expect(textOf('LICENSE'))
      .to.match(new RegExp(`^${manifest.license} License$`, 'm'))
      .and.to.include(`the ${manifest.author.name}`)
  })

  it('the lock file has this version, and no address of a registry', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as {
      version: string
      packages: Record<string, { version: string; license?: string; resolved?: string }>
    }
    expect(lock.version).to.equal(manifest.version)
    expect(lock.packages['']).to.include({ version: manifest.version, license: manifest.license })
    expect(Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? [])).to.deep.equal([])
  })

  it('`npm run test:long` names each file whose length depends on it', () => {
    const named = [...manifest.scripts['test:long']!.matchAll(/ (test\/[\w/-]+\.test\.ts)/g)]
    const varying = readdirSync(new URL('../../test', import.meta.url), { recursive: true })
      .map((path) => `test/${String(path)}`)
      .filter((path) => path.endsWith('.test.ts') && !path.endsWith('.long.test.ts'))
      .filter((path) => /^import .*\/long\.js'$/m.test(textOf(path)))
    expect(named.map(([, path]) => path).sort()).to.deep.equal(varying.sort())
  })
})
