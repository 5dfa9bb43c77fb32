/** "A little jitter upwards" (docs/contract.md, section 5). */
const JITTER = 0.2

/** When to try again, so that not all who are told it come back at once. @param waitMs as configured */
export function withJitter(waitMs: number): number {
  return waitMs * (1 + Math.random() * JITTER)
}
