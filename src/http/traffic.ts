import type { Socket } from 'node:net'

/**
 * What a connection has carried so far, in bytes. `takenBytes` are those that the operating system
 * has taken; `unsentBytes` wait in this process.
 */
export type Traffic = Readonly<{ takenBytes: number; unsentBytes: number; receivedBytes: number }>

export function trafficOf(socket: Socket): Traffic {
  const unsentBytes = socket.writableLength
  // Node's `bytesWritten` includes what is not sent yet.
  return {
    takenBytes: socket.bytesWritten - unsentBytes,
    unsentBytes,
    receivedBytes: socket.bytesRead,
  }
}
