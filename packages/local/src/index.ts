export { type ServiceName, serviceNames } from '@fractal-lba/runtime'
export { type BackoffPolicy, defaultBackoff } from './backoff.js'
export {
  type Constellation,
  ConstellationError,
  type ConstellationOptions,
  type ServiceLine,
  startConstellation,
} from './constellation.js'
export { type DevelopmentTls, developmentTls } from './development-tls.js'
export { type EndReason, watchForEnd } from './end-watch.js'
export { type Environment, type EnvironmentLayers, environmentOf, testEnvironment } from './environment.js'
export { type GatewayPlaces, gatewayPlaces } from './gateway-places.js'
export { builtPrograms, oneProcessProgram, type Program, type ProgramName, readDataPlaces } from './layout.js'
export { type LocalKey, localKey } from './local-key.js'
export { freePortBlock, type PortBlock } from './ports.js'
export { preflight } from './preflight.js'
export { readyStatus } from './ready-probe.js'
export { runStart, type StartContext } from './start.js'
export { SupervisedProcess, type SupervisedProcessOptions } from './supervised-process.js'
export { type TestSite, type TestStart, testSite } from './test-site.js'
