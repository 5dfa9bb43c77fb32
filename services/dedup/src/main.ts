import { runProcess } from '@fractal-lba/runtime'
import { readDedupConfig } from './config.js'
import { startDedup } from './start.js'

await runProcess('dedup', readDedupConfig, startDedup)
