export { type Claims, createJudge, type Judge } from './judge.js'
export { toMessage } from './service.js'
