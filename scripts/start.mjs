// Builds what is missing or old and becomes the service: one process, which gets the signals itself.
import './build.mjs'

// npm passes a signal to the shell that it started, and that shell dies without passing it on.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  timer.unref()
}

await import('../dist/main.js')
