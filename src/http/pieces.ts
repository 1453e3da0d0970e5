import type { ServerResponse } from 'node:http'

/**
 * What is handed to a connection at once. A connection that is not read keeps no more than this beside the document itself (with TLS the
 * pieces are encrypted, which copies them), and a reader's progress is seen piece by piece.
 */
export const pieceBytes = 16 * 1024

/** Ends an answer whose head is written with a body that is sent by reference, as fast as it is read. */
export function endInPieces(response: ServerResponse, bytes: Buffer): void {
  let start = 0
  const write = () => {
    while (bytes.length - start > pieceBytes) {
      const piece = bytes.subarray(start, (start += pieceBytes))
      if (response.write(piece)) continue
      // A connection that ends instead never drains, and nothing is left to be done.
      response.once('drain', write)
      return
    }
    response.end(bytes.subarray(start))
  }
  write()
}
