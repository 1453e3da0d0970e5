// Builds what is missing or out of date, then runs the service in this process.
import './build.mjs'

await import('../dist/main.js')
