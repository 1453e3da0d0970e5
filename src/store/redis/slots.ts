/** CRC-16/XMODEM, bit by bit: it is computed for keys of session data alone. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)
    crc &= 0xffff
  }
  return crc
}

/** The slot of a key in a Redis Cluster: that of its hash tag, where it has one that is not empty. */
export function slotOf(key: string): number {
  const [, tag = key] = /^[^{]*\{([^}]+)\}/.exec(key) ?? []
  return crc16(Buffer.from(tag)) % 16_384
}
