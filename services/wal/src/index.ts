export { readWalConfig } from './config.js'
export { SubmissionLog, type SubmissionLogLimits } from './log/backed-log.js'
export { startWal } from './start.js'
