// Fills a live set with so many revocations, in a process of its own, and prints what the live set
// says of its memory and how far the resident set has grown, both in bytes.
// `node --expose-gc --import tsx scripts/bench/resident.ts COUNT`
import { createLiveSet } from '../../src/revocation/live-set.js'
import { kindOf } from '../../src/revocation/packed-entry.js'

const count = Number(process.argv[2])
const gc = globalThis.gc ?? (() => undefined)
gc()
const before = process.memoryUsage.rss()
const liveSet = createLiveSet(Date.now)
const key = new Uint32Array(4)
for (let added = 0; added < count; added += 1) {
  crypto.getRandomValues(key)
  liveSet.addPacked(key, 4_000_000_000, kindOf('t:'), 1)
}
gc()
console.log(JSON.stringify({ told: liveSet.bytes(), grown: process.memoryUsage.rss() - before }))
