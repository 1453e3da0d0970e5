// Packs cierre, cierre-guard and cierre-client from this one tree, and prints their paths:
// `npm run pack -- --pack-destination DIR`. A small package has the compiled files that its exports
// reach, types included, and its exports are those of the main package below `./guard` or `./client`.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isBuiltin } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'

const root = fileURLToPath(new URL('../', import.meta.url))
const main = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { values } = parseArgs({ options: { 'pack-destination': { type: 'string' } } })
const destination = resolve(values['pack-destination'] ?? join(root, 'dist/packages'))

const small = [
  {
    name: 'cierre-guard',
    entry: './guard',
    description: 'Checks JWTs in process and refuses those that cierre has revoked.',
    dependencies: ['eventsource-parser', 'jose'],
  },
  {
    name: 'cierre-client',
    entry: './client',
    description: 'Logs out of cierre, in browsers and Node: typed results, repeated until known.',
    dependencies: ['openapi-fetch'],
  },
]

function pack(folder, { name, version }) {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', destination], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  console.log(join(destination, `${name}-${version}.tgz`))
}

/** @throws Error when the package would need what it must not depend on */
function prepare({ name, entry, description, dependencies }) {
  const exports = exportsBelow(entry)
  const { files, vendors } = reachedFrom(Object.values(exports).flatMap(Object.values))
  requireVendors(name, vendors, dependencies)
  const manifest = {
    name,
    ...pick(main, ['version', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'author']),
    description,
    ...pick(main, ['type', 'engines']),
    sideEffects: false,
    exports: { ...exports, './package.json': './package.json' },
    dependencies: pick(main.dependencies, dependencies),
    ...optionalPeers([...vendors.keys()]),
  }
  return { files, manifest }
}

function packSmall({ files, manifest }) {
  const { name } = manifest
  const stage = mkdtempSync(join(tmpdir(), `${name}-`))
  try {
    for (const file of [...files, 'LICENSE', 'CHANGELOG.md']) copy(file, stage, file)
    copy(`scripts/packages/${name}.md`, stage, 'README.md')
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    pack(stage, manifest)
  } finally {
    rmSync(stage, { recursive: true })
  }
}

const pick = (from, names) => Object.fromEntries(names.map((name) => [name, from[name]]))

function copy(file, folder, as) {
  mkdirSync(dirname(join(folder, as)), { recursive: true })
  copyFileSync(join(root, file), join(folder, as))
}

function exportsBelow(entry) {
  const paths = Object.keys(main.exports).filter((path) => `${path}/`.startsWith(`${entry}/`))
  return Object.fromEntries(
    paths.map((path) => [`.${path.slice(entry.length)}`, main.exports[path]]),
  )
}

/** The files that these import, themselves included, and for each package a file that imports it. */
function reachedFrom(entries) {
  const files = new Set()
  const vendors = new Map()
  const visit = (file) => {
    if (files.has(file)) return
    files.add(file)
    const text = readFileSync(join(root, file), 'utf8')
    if (text.includes('import.meta')) throw new Error(`${file} may read files that are not packed`)
    for (const { fileName: to } of ts.preProcessFile(text, true, true).importedFiles) {
      if (to.startsWith('.')) visit(fileOf(join(dirname(file), to), file))
      else if (!isBuiltin(to)) vendors.set(packageOf(to), file)
    }
  }
  entries.forEach((entry) => visit(join(entry)))
  return { files, vendors }
}

/** Declarations name the code beside the declarations that they mean. */
const fileOf = (to, from) => (from.endsWith('.d.ts') ? to.replace(/\.js$/, '.d.ts') : to)

const packageOf = (specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)[0]

/** Neither a package that would be missing, nor one that is installed for nothing. */
function requireVendors(name, vendors, dependencies) {
  for (const [vendor, file] of vendors)
    if (!dependencies.includes(vendor) && !isOptionalPeer(vendor))
      throw new Error(`${name} must not depend on ${vendor}, which ${file} imports`)
  for (const vendor of dependencies)
    if (!vendors.has(vendor)) throw new Error(`${name} does not import ${vendor}`)
}

const isOptionalPeer = (vendor) => main.peerDependenciesMeta?.[vendor]?.optional === true

/** The frameworks that an adapter is for: an app that uses the adapter has them. */
function optionalPeers(vendors) {
  const peers = vendors.filter(isOptionalPeer).sort()
  return peers.length === 0
    ? {}
    : {
        peerDependencies: pick(main.peerDependencies, peers),
        peerDependenciesMeta: pick(main.peerDependenciesMeta, peers),
      }
}

// What the compiler says belongs beside the paths, not among them.
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] })
const prepared = small.map(prepare)
mkdirSync(destination, { recursive: true })
pack(root, main)
prepared.forEach(packSmall)
