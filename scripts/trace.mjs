// Counts the files and functions that one logout passes, from the socket to Redis and back:
//
//   node scripts/trace.mjs [root of a checkout with dist/] [--list]
//
// It starts dist/main.js with a real Redis, logs a few tokens out, and records one more logout.
//
// * Only the compiled code of src/ is counted, neither packages nor generated/.
// * "functions" are distinct functions that were entered; "calls" counts each entry.
// * "files" are distinct files in which a function was entered.
// * "changes of file" counts each step into another file than the step before. A step is the entry
//   of a function, or its resumption after an `await`. A return is no step.
// * Only what the request causes is counted, not the follower of the feed or timers. The async
//   context of the connection tells them apart.
// * The request: HS256, both limits on, the audit trail in Redis, one session key to delete, the
//   same token in header and body. --list prints each step.
//
// This file has three roles: the command, the recorder that the service preloads, and module hooks
// in a thread of their own, which insert the calls to the recorder with TypeScript's parser.
import { spawn } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync } from 'node:fs'
import { register } from 'node:module'
import { createServer, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const self = fileURLToPath(import.meta.url)

// ---- the hooks

/** Inserts a call to the recorder at the entry of every function, and after every `await`. */
export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (!/\/dist\/.*\.js$/.test(url) || url.includes('/node_modules/')) return loaded
  return { ...loaded, source: await instrumented(String(loaded.source), url) }
}

async function instrumented(source, url) {
  const { default: ts } = await import('typescript')
  const file = ts.createSourceFile(url, source, ts.ScriptTarget.Latest, true)
  const insertions = []
  const insert = (position, text) => insertions.push({ position, text, order: insertions.length })
  const step = (node, name) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    return JSON.stringify(`${url.replace(/.*\/dist\//, '')}:${line + 1}:${name}`)
  }
  const visit = (node, name) => {
    const own = ts.isFunctionLike(node) && node.body !== undefined ? nameOf(ts, node) : undefined
    if (own !== undefined && ts.isBlock(node.body))
      insert(node.body.getStart() + 1, `__traced(${step(node, own)});`)
    else if (own !== undefined) {
      insert(node.body.getStart(), `(__traced(${step(node, own)}),(`)
      insert(node.body.getEnd(), '))')
    }
    if (ts.isAwaitExpression(node)) {
      insert(node.getStart(), '__resumed(')
      ts.forEachChild(node, (child) => visit(child, own ?? name))
      insert(node.getEnd(), `,${step(node, `resumed ${own ?? name}`)})`)
    } else ts.forEachChild(node, (child) => visit(child, own ?? name))
  }
  visit(file, 'module')
  insertions.sort((one, other) => other.position - one.position || other.order - one.order)
  let text = source
  for (const { position, text: inserted } of insertions)
    text = text.slice(0, position) + inserted + text.slice(position)
  return text
}

function nameOf(ts, node) {
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent))
    return parent.name.getText()
  return 'anonymous'
}

// ---- the preloaded module

function preload() {
  const context = new AsyncLocalStorage()
  let steps
  const record = (kind, step) => {
    if (steps !== undefined && context.getStore() === 'request') steps.push([kind, step])
  }
  globalThis.__traced = (step) => record('entered', step)
  globalThis.__resumed = (value, step) => {
    record('resumed', step)
    return value
  }
  const emit = Server.prototype.emit
  Server.prototype.emit = function (event, ...rest) {
    if (event !== 'connection') return emit.call(this, event, ...rest)
    return context.run('request', () => emit.call(this, event, ...rest))
  }
  process.on('message', (message) => {
    if (message === 'stop') process.send(steps)
    steps = message === 'start' ? [] : undefined
    if (message === 'start') process.send('started')
  })
  process.channel?.unref()
  register(pathToFileURL(self))
}

// ---- the command

async function main() {
  const isListed = process.argv.includes('--list')
  const [root = fileURLToPath(new URL('..', import.meta.url))] = process.argv
    .slice(2)
    .filter((argument) => argument !== '--list')
  const [redisPort, port] = [await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'cierre-trace-'))
  const redis = spawn('redis-server', redisArguments(redisPort, folder), { stdio: 'ignore' })
  const secret = randomUUID() + randomUUID()
  const service = spawn(process.execPath, ['--import', self, join(resolve(root), 'dist/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: String(port),
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      JWT_SECRET: secret,
      SESSION_KEYS: 'sess:{sid}',
    },
  })
  try {
    const origin = `http://127.0.0.1:${port}`
    await untilReady(origin)
    for (let count = 0; count < 20; count += 1) await logOut(origin, secret)
    await answerTo(service, 'start')
    await logOut(origin, secret)
    report(await answerTo(service, 'stop'), isListed)
  } finally {
    service.kill()
    redis.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function report(steps, isListed) {
  const fileOf = (step) => step.slice(0, step.indexOf(':'))
  const entered = steps.flatMap(([kind, step]) => (kind === 'entered' ? [step] : []))
  const changesIn = (path) =>
    path.filter((step, index) => index > 0 && fileOf(step) !== fileOf(path[index - 1])).length
  if (isListed) for (const [kind, step] of steps) console.log(kind, step)
  console.log(
    [
      `files ${new Set(entered.map(fileOf)).size}`,
      `functions ${new Set(entered).size}`,
      `calls ${entered.length}`,
      `changes of file ${changesIn(steps.map(([, step]) => step))}`,
      `of them at calls alone ${changesIn(entered)}`,
    ].join(', '),
  )
}

const redisArguments = (port, folder) => [
  ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
  ...['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
]

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

async function untilReady(origin) {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${origin}/health/ready`).catch(() => undefined)
    await answer?.text()
    if (answer?.status === 200) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('the service is not ready')
}

async function logOut(origin, secret) {
  const token = signed(secret)
  const answer = await fetch(`${origin}/api/v1/auth/logout`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  if (answer.status !== 200) throw new Error(`logout answered ${answer.status}`)
  await answer.text()
}

function signed(secret) {
  const nowS = Math.floor(Date.now() / 1000)
  const claims = { iss: 'x', sub: randomUUID(), sid: randomUUID(), jti: randomUUID(), iat: nowS }
  const input = [
    { alg: 'HS256', typ: 'JWT' },
    { ...claims, exp: nowS + 600 },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function answerTo(service, message) {
  const answer = new Promise((done, failed) => {
    service.once('message', done)
    service.once('exit', () => failed(new Error('the service ended')))
  })
  service.send(message)
  return answer
}

if (isMainThread && process.argv[1] !== undefined && resolve(process.argv[1]) === self) await main()
else if (isMainThread) preload()
