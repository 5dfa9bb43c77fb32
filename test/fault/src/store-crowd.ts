import { LoadClient } from '@fractal-lba/load'
import { wal } from '@fractal-lba/proto'
import { credentials } from '@grpc/grpc-js'
import { addressOf } from '../../src/system.js'
import type { StorePair } from './store-pair.js'

const CONNECTIONS = 32
const LIMIT_MS = 3 * 60 * 60_000

/** What a crowd was answered. */
export interface CrowdAnswers {
  readonly byStatus: ReadonlyMap<number, number>
  /** Requests without an answer, by what happened to them. */
  readonly failures: ReadonlyMap<string, number>
}

/** Sends requests to both gateways of a pair at once, as fast as they are answered, until there are no more. */
export async function crowd(
  { ports }: StorePair,
  next: () => Buffer | undefined,
  connections = CONNECTIONS,
): Promise<CrowdAnswers> {
  const clients = await Promise.all(
    ports.map((port) => LoadClient.open({ host: '127.0.0.1', port, connections })),
  )
  try {
    const results = await Promise.all(clients.map((client) => client.run({ next, durationMs: LIMIT_MS })))
    return {
      byStatus: sum(results.map(({ answersByStatus }) => answersByStatus)),
      failures: sum(results.map(({ failures }) => failures)),
    }
  } finally {
    for (const client of clients) client.close()
  }
}

function sum<Key>(parts: readonly ReadonlyMap<Key, number>[]): Map<Key, number> {
  const total = new Map<Key, number>()
  for (const part of parts) {
    for (const [key, count] of part) total.set(key, (total.get(key) ?? 0) + count)
  }
  return total
}

/** Hands every mark of the pair's log to a visitor, however many there are. */
export async function visitMarks(
  { system }: StorePair,
  visit: (sequence: number, mark: wal.Mark) => void,
): Promise<void> {
  const client = new wal.WalServiceClient(addressOf(system.site, 'wal'), credentials.createInsecure())
  try {
    const parts: AsyncIterable<wal.ReadMarksResponse> = client.readMarks({ fromSequence: 0 })
    for await (const { marks } of parts) {
      for (const { sequence, mark } of marks) if (mark) visit(sequence, mark)
    }
  } finally {
    client.close()
  }
}
