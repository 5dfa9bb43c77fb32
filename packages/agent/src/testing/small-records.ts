import { hmacKey, type Pcs } from '@fractal-lba/pcs'
import { buildRecord } from '../record/build.js'
import { recordText } from '../record/record-text.js'
import { signRecord } from '../record/sign-record.js'

const key = hmacKey('testsecret')

/** A CSV of a few events, another one for each number. */
export function smallCsv(number: number): string {
  const rows = [0, 1, 2].map((row) => `${row},${number + row * 0.25},-${row * 0.5},0.${number + 1}`)
  return `timestamp,x,y,z\n${rows.join('\n')}\n`
}

/** A signed record, another one for each number. */
export function smallRecord(number: number, seed = 1): Pcs {
  const csv = smallCsv(number)
  return signRecord(
    buildRecord({ csv, shardId: 'shard-a', epoch: number, seed, sentAt: '2026-01-01T00:00:00Z' }),
    key,
  )
}

/** Its bytes. */
export function smallRecordBytes(number: number, seed = 1): Buffer {
  return Buffer.from(recordText(smallRecord(number, seed)))
}
