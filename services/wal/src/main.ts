import { runProcess } from '@fractal-lba/runtime'
import { readWalConfig } from './config.js'
import { startWal } from './start.js'

await runProcess('wal', readWalConfig, startWal)
