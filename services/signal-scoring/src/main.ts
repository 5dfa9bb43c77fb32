import { runProcess } from '@fractal-lba/runtime'
import { readScoringConfig } from './config.js'
import { startScoring } from './start.js'

await runProcess('signal-scoring', readScoringConfig, startScoring)
