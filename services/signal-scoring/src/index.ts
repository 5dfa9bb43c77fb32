export { type Claims, createJudge, type Judge } from './judge.js'
