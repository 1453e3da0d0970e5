// Builds what is missing or out of date, then runs the service in this process, which thus receives
// the signals itself.
import './build.mjs'

// npm sends a signal to its shell, and the shell ends without passing on the signal. The end of the
// shell therefore counts as SIGTERM.
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
