// Makes a release in dist/release: the three packages, an SBOM (CycloneDX) for each, and SHA256SUMS.
// It publishes nothing. Run it on a clean checkout, after `.ci/run`.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const destination = join(root, 'dist/release')
const textOf = (file) => readFileSync(join(root, file), 'utf8')
const { version } = JSON.parse(textOf('package.json'))

const run = (command, args, cwd = root) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

/** What a release must not be made with, in words. */
function faults() {
  const found = []
  if (run('git', ['status', '--porcelain']) !== '') found.push('the checkout is not clean')
  const escaped = version.replaceAll('.', '\\.')
  if (!new RegExp(`^## ${escaped} - \\d{4}-\\d\\d-\\d\\d$`, 'm').test(textOf('CHANGELOG.md')))
    found.push(`CHANGELOG.md has no dated section for ${version}`)
  if (JSON.parse(textOf('package-lock.json')).version !== version)
    found.push('package-lock.json has another version')
  if (!new RegExp(`^  version: ${escaped}$`, 'm').test(textOf('openapi.yaml')))
    found.push('openapi.yaml has another version')
  return found
}

/** The SBOM of a packed package, with the versions of dependencies that the tests ran with. */
function sbomOf(tarball) {
  const work = mkdtempSync(join(tmpdir(), 'cierre-release-'))
  // npm calls the component as the folder is called.
  const folder = join(work, basename(tarball, `-${version}.tgz`))
  mkdirSync(folder)
  try {
    run('tar', ['-xzf', tarball, '--strip-components', '1', '-C', folder])
    copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'))
    // `npm sbom --omit=dev` leaves out packages that others need for development, too (koa, jose).
    run('npm', ['pkg', 'delete', 'devDependencies', 'peerDependencies'], folder)
    const lockOnly = ['--package-lock-only', '--ignore-scripts', '--prefer-offline']
    run('npm', ['install', '--silent', '--no-audit', ...lockOnly], folder)
    return run('npm', ['sbom', '--sbom-format=cyclonedx', ...lockOnly], folder)
  } finally {
    rmSync(work, { recursive: true })
  }
}

const found = faults()
if (found.length > 0) {
  console.error(found.map((fault) => `no release: ${fault}`).join('\n'))
  process.exit(1)
}
rmSync(destination, { recursive: true, force: true })
mkdirSync(destination, { recursive: true })
run('npm', ['run', '--silent', 'build'])
run('npm', ['run', '--silent', 'pack', '--', '--pack-destination', destination])
for (const tarball of readdirSync(destination))
  writeFileSync(
    join(destination, tarball.replace(/\.tgz$/, '.cdx.json')),
    sbomOf(join(destination, tarball)),
  )
const sums = readdirSync(destination)
  .sort()
  .map((file) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(destination, file)))
      .digest('hex')
    return `${digest}  ${file}\n`
  })
writeFileSync(join(destination, 'SHA256SUMS'), sums.join(''))
for (const file of readdirSync(destination).sort()) console.log(join(destination, file))
