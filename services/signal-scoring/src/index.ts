export { readScoringConfig } from './config.js'
export { type Claims, createJudge, type Judge } from './judge.js'
export { toMessage } from './service.js'
export { startScoring } from './start.js'
