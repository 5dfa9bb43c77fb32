/** Test support, also for long runs: a simulator of the outbox, a gateway that answers by a script, small records. */
export { type OutboxFault, type OutboxSimulationReport, simulateOutbox } from './outbox-simulation.js'
export * from './scripted-peer.js'
export * from './small-records.js'
export * from './temporary-folder.js'
export * from './until.js'
