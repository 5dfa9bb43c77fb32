/** What a record needs beside the events. */
export interface FileIdentity {
  readonly shardId: string
  readonly epoch: number
}

/** What is the same for all files of a directory; what is not given comes from each file's name. */
export interface FixedIdentity {
  readonly shardId?: string | undefined
  readonly epoch?: number | undefined
}

/** Of files whose name holds none, by default. */
export const EPOCH_DEFAULT = 0

/** A file name that gives no identity. The message is a sentence for people. */
export class UnusableFileName extends Error {
  override readonly name = 'UnusableFileName'
}

/** Whether a file of that name is one to ship: `*.csv`, in any case, but none that begins with a dot. */
export function isCsvName(name: string): boolean {
  return /^[^.].*\.csv$/i.test(name)
}

/**
 * Shard and epoch of a file: `<shard>.<epoch>.csv`, where the shard may hold dots. Without a number before `.csv`
 * the epoch is 0. A fixed shard leaves only the number to the name (`<anything>.<epoch>.csv` or
 * `<epoch>.csv`); a fixed epoch makes all of the name, without `.csv`, the shard.
 *
 * @throws UnusableFileName when the number is no epoch
 */
export function identityOf(name: string, fixed: FixedIdentity = {}): FileIdentity {
  const stem = name.replace(/\.csv$/i, '')
  if (fixed.epoch !== undefined) return { shardId: fixed.shardId ?? stem, epoch: fixed.epoch }
  const parts =
    fixed.shardId === undefined ? /^(.+)\.([0-9]+)$/.exec(stem) : /^(?:(.*)\.)?([0-9]+)$/.exec(stem)
  const digits = parts?.[2]
  const epoch = digits === undefined ? EPOCH_DEFAULT : Number(digits)
  if (!Number.isSafeInteger(epoch)) {
    throw new UnusableFileName(
      `the number before .csv is the epoch and must be from 0 to ${Number.MAX_SAFE_INTEGER}`,
    )
  }
  return { shardId: fixed.shardId ?? (digits === undefined ? stem : (parts?.[1] ?? stem)), epoch }
}
