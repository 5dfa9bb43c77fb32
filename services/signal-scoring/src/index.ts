export { readScoringConfig } from './config.js'
export { type Claims, createJudge, type Judge } from './judge.js'
export { startScoring } from './start.js'
