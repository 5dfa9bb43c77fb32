/** Test support, also for long runs: a simulator of the outbox. */

export { type OutboxFault, type OutboxSimulationReport, simulateOutbox } from './outbox-simulation.js'
