import type { Socket } from 'node:net'

/** What one connection has carried up to a moment, in bytes. `taken` counts what the system took over, not what waits here. */
export type Traffic = Readonly<{ takenBytes: number; unsentBytes: number; receivedBytes: number }>

export function trafficOf(socket: Socket): Traffic {
  const unsentBytes = socket.writableLength
  // Node counts as written what is still to be written, too.
  return {
    takenBytes: socket.bytesWritten - unsentBytes,
    unsentBytes,
    receivedBytes: socket.bytesRead,
  }
}
