import { feedVersion, oldestReaderVersion } from '../../src/feed/event.js'
import { startProxy } from './proxy.js'

/** Between a follower and the service: while `isOld()`, the follower names a version that is too old. */
export async function startRelay(port: number, isOld: () => boolean) {
  const { url, stop } = await startProxy(
    () => port,
    async (text) =>
      isOld()
        ? { instead: text.replace(`version=${feedVersion}`, `version=${oldestReaderVersion - 1}`) }
        : 'pass',
  )
  return { origin: url.replace('redis:', 'http:'), stop }
}
