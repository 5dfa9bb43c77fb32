import { csvTarget } from './csv-target.js'
import { framesTarget } from './frames-target.js'
import { grpcTarget } from './grpc-target.js'
import { recordTarget } from './record-target.js'
import { socketTargets } from './sockets.js'
import type { FuzzTarget, SocketTarget } from './target.js'

export { failureText } from './failures.js'
export { fuzzOverSockets } from './sockets.js'

/** Those that call the product's functions in their own process. */
export const fuzzTargets: readonly FuzzTarget[] = [recordTarget, grpcTarget, framesTarget, csvTarget]

export const allTargets: readonly (FuzzTarget | SocketTarget)[] = [...fuzzTargets, ...socketTargets]
