export { readWalConfig } from './config.js'
export { startWal } from './start.js'
export { SubmissionLog, type SubmissionLogLimits } from './submission-log.js'
