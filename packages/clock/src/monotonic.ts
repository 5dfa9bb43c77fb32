/** Monotonic milliseconds: for deadlines and ages. Never jumps. */
export function monotonicMs(): number {
  return performance.now()
}
