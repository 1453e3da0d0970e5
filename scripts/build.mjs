// Builds dist/, when it is missing or older than what it is made from; with --force always.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
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
}
