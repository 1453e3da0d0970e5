// Builds dist/ if it is missing or older than its sources; with --force it always builds. npm runs
// this file as `prepare`: after `npm ci` in a clone, before `npm pack`, and in the clone that `npm
// install git+…` makes. After `npm ci --omit=dev` there are no compilers, and an unpacked package
// has no sources. An existing dist/ is then used unchanged, and a missing dist/ is an error.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'

const root = fileURLToPath(new URL('../', import.meta.url))
const changedAtMs = (path) => statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0
const exists = (path) => existsSync(`${root}${path}`)

const compiler = 'node_modules/typescript/bin/tsc'
const docsPage = 'node_modules/swagger-ui-dist'
const built = 'dist/main.js'

function newestUnder(folder) {
  const files = readdirSync(`${root}${folder}`, { recursive: true }).map(
    (file) => `${folder}/${file}`,
  )
  return Math.max(...files.map(changedAtMs))
}

const madeFromAtMs = () =>
  Math.max(
    newestUnder('src'),
    newestUnder('generated'),
    changedAtMs('package-lock.json'),
    changedAtMs('scripts/build.mjs'),
  )
// The two files that are written last.
const madeAtMs = () =>
  Math.min(changedAtMs(built), changedAtMs('dist/docs/swagger-ui-bundle.js.br'))

const isForced = process.argv.includes('--force')
const hasSources = exists('src')
if (isForced || !exists(built) || (hasSources && madeAtMs() < madeFromAtMs())) {
  if (hasSources && exists(compiler) && exists(docsPage)) await build()
  else if (isForced || !exists(built)) {
    console.error(
      'cierre: dist/ cannot be built without the development dependencies: run `npm ci` first, or bring a dist/ that was built elsewhere and install with --ignore-scripts',
    )
    process.exit(1)
  } else
    console.error(
      'cierre: dist/ is older than its sources and is used unchanged, because the development dependencies are missing',
    )
}

async function build() {
  const [status] = await Promise.all([compile(), makeDocs()])
  if (status !== 0) process.exit(status ?? 1)
  copyLua()
}

// The store reads its Lua scripts from its own folder, in dist/ as in src/.
function copyLua() {
  const folder = 'store/redis'
  for (const file of readdirSync(`${root}src/${folder}`).filter((name) => name.endsWith('.lua')))
    copyFileSync(`${root}src/${folder}/${file}`, `${root}dist/${folder}/${file}`)
}

// A failed build must not leave files that are newer than their sources, or the next build would be
// skipped.
async function compile() {
  const [status] = await once(
    spawn(process.execPath, [`${root}${compiler}`, '-p', `${root}src`, '--noEmitOnError'], {
      stdio: 'inherit',
    }),
    'exit',
  )
  return status
}

// The files that /docs serves. The package does not depend on Swagger UI, because a dependency of
// Swagger UI reports installations to a third party.
async function makeDocs() {
  const ours = ['reference.js', 'reference.css']
  const theirs = ['swagger-ui-bundle.js', 'swagger-ui.css']
  mkdirSync(`${root}dist/docs`, { recursive: true })
  for (const file of ours) copyFileSync(`${root}src/http/docs/${file}`, `${root}dist/docs/${file}`)
  for (const file of [...theirs, 'LICENSE', 'NOTICE'])
    copyFileSync(`${root}${docsPage}/${file}`, `${root}dist/docs/${file}`)
  await Promise.all([...ours, ...theirs].map(compressed))
}

// Brotli's default is the highest quality. It takes 2.5 s for Swagger UI, while the compiler runs.
async function compressed(file) {
  const path = `${root}dist/docs/${file}`
  const text = await readFile(path)
  await Promise.all([
    promisify(brotliCompress)(text).then((bytes) => writeFile(`${path}.br`, bytes)),
    promisify(gzip)(text, { level: 9 }).then((bytes) => writeFile(`${path}.gz`, bytes)),
  ])
}
