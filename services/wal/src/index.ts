export { SubmissionLog, type SubmissionLogLimits } from './submission-log.js'
