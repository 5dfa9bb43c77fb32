import { hash } from 'node:crypto'
import type { Pcs } from './record.js'

/** The id that a record must bear: SHA-256 over UTF-8 of its three parts, as lower-case hex. */
export function pcsId(merkleRoot: string, epoch: number, shardId: string): string {
  return hash('sha256', `${merkleRoot}|${epoch}|${shardId}`, 'hex')
}

/** Whether `pcs_id` is the hash of its parts. If not, the record is escalated, not refused (docs/contract.md, section 4). */
export function hasMatchingId(pcs: Pick<Pcs, 'pcs_id' | 'merkle_root' | 'epoch' | 'shard_id'>): boolean {
  return pcs.pcs_id === pcsId(pcs.merkle_root, pcs.epoch, pcs.shard_id)
}
