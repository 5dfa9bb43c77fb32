import type { WalClient } from './clients/wal.js'

/**
 * The order in which a submission tries the logs, another one with each call: those that suit it best take turns, and
 * the others follow.
 *
 * @param suitability of a log now; more is better
 */
export function inTurns<Log extends Pick<WalClient, 'address'>>(
  logs: readonly Log[],
  suitability: (log: Log) => number,
): () => readonly Log[] {
  if (logs.length < 2) return () => logs
  let turn = 0
  return () => {
    const rated = logs.map((log) => ({ log, rate: suitability(log) })).sort((a, b) => b.rate - a.rate)
    const best = rated.filter(({ rate }) => rate === rated[0]?.rate)
    turn = (turn + 1) % best.length
    const order = [...best.slice(turn), ...best.slice(0, turn), ...rated.slice(best.length)]
    return order.map(({ log }) => log)
  }
}
