/** Test support, for long runs as well: not for products. */
export { Chance, type Faults, SimulatedDisk, SimulatedFiles } from './simulated-files.js'
export { type SimulationReport, simulate } from './simulation.js'
