/** Redis Cluster's sixteen thousand slots, and which of them a key belongs to (CRC16-XMODEM of its tag). */
export const SLOTS = 16_384

const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

export function slotOf(key: Buffer): number {
  const open = key.indexOf(BRACE_OPEN)
  const close = open < 0 ? -1 : key.indexOf(BRACE_CLOSE, open + 1)
  const tag = close > open + 1 ? key.subarray(open + 1, close) : key
  let crc = 0
  for (const byte of tag) crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[(crc >> 8) ^ byte] ?? 0)
  return crc % SLOTS
}

/** A text that belongs to this slot: between braces it puts a key there. */
export function tagFor(slot: number): string {
  for (let number = 0; ; number += 1) {
    const tag = number.toString(36)
    if (slotOf(Buffer.from(tag)) === slot) return tag
  }
}
