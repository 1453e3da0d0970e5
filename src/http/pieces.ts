import type { ServerResponse } from 'node:http'

/**
 * How many bytes are written to a connection at once. TLS copies what it encrypts: a client that
 * does not read costs one copied piece, not a copy of the document. Pieces also show the progress
 * of a reader.
 */
export const pieceBytes = 16 * 1024

/** Sends the body of an answer by reference, as fast as the client reads, and ends the answer. */
export function endInPieces(response: ServerResponse, bytes: Buffer): void {
  let start = 0
  const write = () => {
    while (bytes.length - start > pieceBytes) {
      const piece = bytes.subarray(start, (start += pieceBytes))
      if (response.write(piece)) continue
      // A connection that closes emits no `drain`, and needs no further piece.
      response.once('drain', write)
      return
    }
    response.end(bytes.subarray(start))
  }
  write()
}
