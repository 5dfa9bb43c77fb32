/* The thread of CheckAhead: checks the chunks that it is sent, in order, and answers how far they are intact. */

import { parentPort } from 'node:worker_threads'
import { type CheckRange, FrameCheck } from './frame-check.js'

export interface CheckRequest {
  /** Where another segment begins. */
  readonly begin: CheckRange | undefined
  readonly buffer: SharedArrayBuffer
  readonly headroomBytes: number
  readonly lengthBytes: number
  readonly withCrc: boolean
}

let check: FrameCheck | undefined

parentPort?.on('message', ({ begin, buffer, headroomBytes, lengthBytes, withCrc }: CheckRequest) => {
  if (begin) check = new FrameCheck(begin)
  if (!check) throw new Error('a chunk came before its segment was begun')
  const bytes = Buffer.from(buffer, 0, headroomBytes + lengthBytes)
  parentPort?.postMessage(check.check(bytes, headroomBytes, withCrc))
})
