// Builds dist/, when it is missing or older than what it is made from; with --force always.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const changedAtMs = (path) => statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0

function newestUnder(folder) {
  const files = readdirSync(`${root}${folder}`, { recursive: true }).map((file) => `${folder}/${file}`)
  return Math.max(...files.map(changedAtMs))
}

const madeFrom = () => Math.max(newestUnder('src'), newestUnder('generated'), changedAtMs('package-lock.json'))

if (process.argv.includes('--force') || changedAtMs('dist/main.js') < madeFrom()) {
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}src`], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  // What /docs serves. Swagger UI is no dependency of the package: its own one reports installations to a third party.
  mkdirSync(`${root}dist/docs`, { recursive: true })
  for (const file of ['reference.js', 'reference.css']) copyFileSync(`${root}src/docs/${file}`, `${root}dist/docs/${file}`)
  for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE']) copyFileSync(`${root}node_modules/swagger-ui-dist/${file}`, `${root}dist/docs/${file}`)
}
