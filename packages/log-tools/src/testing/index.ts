/** Test support: logs as the wal service writes them. */
export * from './verdicts.js'
export * from './wal-log.js'
