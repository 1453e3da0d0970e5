// Builds dist/, when it is missing or older than what it is made from; with --force always. npm runs it as `prepare`: after `npm ci` in a
// clone, before `npm pack`, and in the clone that `npm install git+…` makes. The compilers are not there after `npm ci --omit=dev`, nor
// the sources in an unpacked package: then an existing dist/ is used as it is, and a missing one is an error.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const changedAtMs = (path) => statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0
const exists = (path) => existsSync(`${root}${path}`)

const compiler = 'node_modules/typescript/bin/tsc'
const docsPage = 'node_modules/swagger-ui-dist'
const built = 'dist/main.js'

function newestUnder(folder) {
  const files = readdirSync(`${root}${folder}`, { recursive: true }).map((file) => `${folder}/${file}`)
  return Math.max(...files.map(changedAtMs))
}

const madeFromAtMs = () => Math.max(newestUnder('src'), newestUnder('generated'), changedAtMs('package-lock.json'))

function build() {
  // What /docs serves. Swagger UI is no dependency of the package: its own one reports installations to a third party.
  mkdirSync(`${root}dist/docs`, { recursive: true })
  for (const file of ['reference.js', 'reference.css']) copyFileSync(`${root}src/docs/${file}`, `${root}dist/docs/${file}`)
  for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE']) copyFileSync(`${root}${docsPage}/${file}`, `${root}dist/docs/${file}`)
  // A build that failed must not look newer than its sources: the next one would be skipped.
  const { status } = spawnSync(process.execPath, [`${root}${compiler}`, '-p', `${root}src`, '--noEmitOnError'], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const isForced = process.argv.includes('--force')
const hasSources = exists('src')
if (isForced || !exists(built) || (hasSources && changedAtMs(built) < madeFromAtMs())) {
  if (hasSources && exists(compiler) && exists(docsPage)) build()
  else if (isForced || !exists(built)) {
    console.error('cierre: dist/ cannot be built without the development dependencies: run `npm ci` first, or bring a dist/ that was built elsewhere and install with --ignore-scripts')
    process.exit(1)
  } else console.error('cierre: dist/ is older than its sources and is used as it is, since the development dependencies are missing')
}
