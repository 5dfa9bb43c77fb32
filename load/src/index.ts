export { LoadClient, type LoadResult, type LoadRun, type LoadTarget } from './http-client.js'
export { Latencies } from './latencies.js'
export { OpenLoop } from './open-loop.js'
export { type MadeRecord, type RecordOptions, recordMaker, submitRequest } from './records.js'
