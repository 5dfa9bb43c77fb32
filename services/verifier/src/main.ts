import { runProcess } from '@fractal-lba/runtime'
import { readVerifierConfig } from './config.js'
import { startVerifier } from './start.js'

await runProcess('verifier', readVerifierConfig, startVerifier)
