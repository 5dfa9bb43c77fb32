import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'

const CHECKS_BETWEEN_LOOKS = 32

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const digest = randomBytes(32)
const signature = sign(null, digest, privateKey)

/** As many crypto.verify of Ed25519, on this thread, as go into the time. @returns how many */
export function verifyFor(durationMs: number): number {
  const endMs = performance.now() + durationMs
  let checks = 0
  while (performance.now() < endMs) {
    for (let check = 0; check < CHECKS_BETWEEN_LOOKS; check += 1) verify(null, digest, publicKey, signature)
    checks += CHECKS_BETWEEN_LOOKS
  }
  return checks
}

/** CPU of one, microseconds. */
export function verifyCpuUs(durationMs: number): number {
  const before = process.cpuUsage()
  const checks = verifyFor(durationMs)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / checks
}
