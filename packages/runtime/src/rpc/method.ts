/** A method of a service as ts-proto generates it. */
export interface MethodDefinition {
  /** /flk.wal.v1.WalService/Append */
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (value: never) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly responseSerialize: (value: never) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => unknown
  /** Of a method whose single request may be larger than a record with its envelope (message-guard.ts). */
  readonly requestBytesMax?: number
}

/** A service as ts-proto generates it: its methods by their names in TypeScript. */
export type Definition = Readonly<Record<string, MethodDefinition>>

type MethodNames<D extends Definition, RequestStream extends boolean, ResponseStream extends boolean> = {
  [M in keyof D & string]: D[M] extends { requestStream: RequestStream; responseStream: ResponseStream }
    ? M
    : never
}[keyof D & string]

/** One request, one response. */
export type UnaryNames<D extends Definition> = MethodNames<D, false, false>
/** One request, many responses. */
export type StreamNames<D extends Definition> = MethodNames<D, false, true>
/** A stream of batches: requests of items, each answered by a response with a result for each item. */
export type BatchNames<D extends Definition> = MethodNames<D, true, true>

/** What a caller sends. */
export type RequestOf<M extends MethodDefinition> = Parameters<M['requestSerialize']>[0]
/** What a caller gets. */
export type ResponseOf<M extends MethodDefinition> = ReturnType<M['responseDeserialize']>
/** What a handler gets. */
export type ReceivedBy<M extends MethodDefinition> = ReturnType<M['requestDeserialize']>
/** What a handler gives. */
export type GivenBy<M extends MethodDefinition> = Parameters<M['responseSerialize']>[0]

export type ItemOf<M extends MethodDefinition> = RequestOf<M> extends { items: (infer Item)[] } ? Item : never
export type ResultOf<M extends MethodDefinition> =
  ResponseOf<M> extends { results: (infer Result)[] } ? Result : never

/** The two parts of a method's path. */
export interface MethodName {
  /** flk.wal.v1.WalService */
  readonly service: string
  /** Append */
  readonly method: string
}

export function nameOf({ path }: Pick<MethodDefinition, 'path'>): MethodName {
  const [, service = '', method = ''] = path.split('/')
  return { service, method }
}
