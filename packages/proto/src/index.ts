// One namespace per package on the wire, so that a reader sees at each use whose message it is.

export { encoderOf } from './encoder.js'
export * as dedup from './gen/flk/dedup/v1/dedup.js'
export * as ingest from './gen/flk/ingest/v1/ingest.js'
export * as log from './gen/flk/log/v1/log.js'
export * as record from './gen/flk/record/v1/record.js'
export * as scoring from './gen/flk/scoring/v1/scoring.js'
export * as verifier from './gen/flk/verifier/v1/verifier.js'
export * as wal from './gen/flk/wal/v1/wal.js'
export { Any } from './gen/google/protobuf/any.js'
export { Duration } from './gen/google/protobuf/duration.js'
export { BadRequest, RetryInfo } from './gen/google/rpc/error_details.js'
export { Status } from './gen/google/rpc/status.js'
export { type EncodedLogRecord, LOG_RECORD_TYPE, logRecords } from './log-records.js'
export { bytesOfVerdict, outcomeOfVerdict, sealVerdict, verdictFromBytes } from './verdict-bytes.js'

import { fileURLToPath } from 'node:url'

/** The FileDescriptorSet of all of this, for server reflection. */
export const descriptorSetPath = fileURLToPath(new URL('../descriptors.binpb', import.meta.url))
