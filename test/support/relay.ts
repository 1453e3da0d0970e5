import { startProxy } from './proxy.js'

/** Between a follower and the service: in what the follower asks, `version=1` becomes `version=0` while `isOld()`. */
export async function startRelay(port: number, isOld: () => boolean) {
  const { url, stop } = await startProxy(
    () => port,
    async (text) => (isOld() ? { instead: text.replace('version=1', 'version=0') } : 'pass'),
  )
  return { origin: url.replace('redis:', 'http:'), stop }
}
