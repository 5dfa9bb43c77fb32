export { type CertificateFiles, makeCertificates } from './certificates.js'
export { clusterModules, clusterPrograms } from './cluster-programs.js'
export {
  buildImages,
  type ImageTarget,
  imageMegabytes,
  imageName,
  imageTargets,
} from './containers/images.js'
export { type LocalBases, localBases } from './containers/local-bases.js'
export { findPodman, type Podman } from './containers/podman.js'
export { type DebianProgram, debianProgram } from './debian-programs.js'
export {
  builtGoProgram,
  type FoundModule,
  type FoundProgram,
  type GoModule,
  type GoProgram,
  goModule,
  goProgram,
} from './go-programs.js'
export { helmPrograms } from './helm-programs.js'
export { type JaegerOptions, type JaegerServer, startJaeger } from './jaeger.js'
export { loadPrograms } from './load-programs.js'
export { observabilityPrograms } from './observability-programs.js'
export {
  type FileServerOptions,
  type HttpServer,
  startAlertmanager,
  startBlackboxExporter,
  startPrometheus,
} from './observability-servers.js'
export { freePort } from './ports.js'
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.js'
export { postgresMissing } from './postgres-programs.js'
export { type RedisOptions, type RedisServer, startRedis } from './redis.js'
export { type RedisCluster, startRedisCluster } from './redis-cluster.js'
export { redisMissing } from './redis-programs.js'
export { type SentinelSet, startSentinelSet } from './redis-sentinel.js'
export { type RunOptions, run } from './run.js'
export { securityPrograms } from './security-programs.js'
export { type ServerCommand, type ServerControls, ServerProcess, serverDirectory } from './server-process.js'
