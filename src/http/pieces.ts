import type { ServerResponse } from 'node:http'

/**
 * The bytes that a connection gets at once. A connection whose client does not read holds one piece
 * beside the document itself (TLS encrypts pieces, which copies them), and a reader's progress is
 * visible piece by piece.
 */
export const pieceBytes = 16 * 1024

/** Sends the body of an answer by reference, as fast as the client reads, and ends the answer. */
export function endInPieces(response: ServerResponse, bytes: Buffer): void {
  let start = 0
  const write = () => {
    while (bytes.length - start > pieceBytes) {
      const piece = bytes.subarray(start, (start += pieceBytes))
      if (response.write(piece)) continue
      // A connection that closes instead never drains, and needs nothing more.
      response.once('drain', write)
      return
    }
    response.end(bytes.subarray(start))
  }
  write()
}
