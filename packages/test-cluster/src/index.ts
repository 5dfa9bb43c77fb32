export { type Cluster, type HelmVersion, type KubernetesObject, startCluster } from './cluster.js'
export { type NodeShape, ONE_NODE, THREE_ZONES } from './nodes.js'
export { prepareCluster } from './programs.js'
export { type OpenApi, SCHEMA_PATH, schemasOf, writeSchemas } from './schemas.js'
