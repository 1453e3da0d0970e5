import { startProxy } from './proxy.js'

/** Between a follower and the service: while `isOld()`, requests for `version=1` become `version=0`. */
export async function startRelay(port: number, isOld: () => boolean) {
  const { url, stop } = await startProxy(
    () => port,
    async (text) => (isOld() ? { instead: text.replace('version=1', 'version=0') } : 'pass'),
  )
  return { origin: url.replace('redis:', 'http:'), stop }
}
