/** Test support, also for long runs: a disk that forgets, a simulator on it, file calls that can be disturbed. */

export { Chance } from './chance.js'
export { type DamageReport, simulateDamage } from './damage-simulation.js'
export { feedFrames, frameInput } from './frame-fuzz.js'
export { type FileHooks, hookedFiles } from './hooked-files.js'
export { type Faults, SimulatedDisk, SimulatedFiles } from './simulated-files.js'
export { type SimulationReport, simulate } from './simulation.js'
export {
  appendEach,
  openTestLog,
  readTexts,
  type TemporaryDirectory,
  type TestLog,
  temporaryDirectory,
  textOf,
  textRecord,
} from './temporary-log.js'
