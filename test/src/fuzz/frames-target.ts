import { feedFrames, frameInput } from '@fractal-lba/wal/testing'
import type { FuzzTarget } from './target.js'

/** Segments of a log, read as recovery reads them. */
export const framesTarget: FuzzTarget = { name: 'frames', input: frameInput, feed: feedFrames }
