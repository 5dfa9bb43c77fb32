import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'

interface DescribedFile {
  /** As the compiler made it. */
  readonly bytes: Buffer
  readonly dependencies: readonly string[]
}

/** The compiled descriptors of all protocols, each file as the compiler has written it: nothing is encoded anew. */
export class Descriptors {
  readonly #files = new Map<string, DescribedFile>()
  readonly #fileOfSymbol = new Map<string, string>()
  readonly #messages = new Set<string>()

  /** @param set an encoded google.protobuf.FileDescriptorSet */
  constructor(set: Uint8Array) {
    const reader = new BinaryReader(set)
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag()
      if (field === 1) this.#addFile(Buffer.from(reader.bytes()))
      else reader.skip(type, field)
    }
  }

  static read(): Descriptors {
    return new Descriptors(readFileSync(fileURLToPath(new URL('../descriptors.binpb', import.meta.url))))
  }

  /** The file of this name and all that it needs, itself first. @returns undefined where there is no such file. */
  fileAndDependencies(name: string): Buffer[] | undefined {
    if (!this.#files.has(name)) return undefined
    const names = new Set([name])
    // A set goes on to what is added while it is walked.
    for (const each of names) {
      for (const dependency of this.#files.get(each)?.dependencies ?? []) names.add(dependency)
    }
    return [...names].flatMap((each) => this.#files.get(each)?.bytes ?? [])
  }

  /** The file that declares a symbol: flk.wal.v1.WalService, or a message, field, enum, value, method of it. */
  fileOfSymbol(symbol: string): string | undefined {
    return this.#fileOfSymbol.get(symbol)
  }

  isMessage(symbol: string): boolean {
    return this.#messages.has(symbol)
  }

  #addFile(bytes: Buffer): void {
    const file = fromBinary(FileDescriptorProtoSchema, bytes)
    this.#files.set(file.name, { bytes, dependencies: file.dependency })
    for (const symbol of this.#symbolsOf(file)) this.#fileOfSymbol.set(symbol, file.name)
  }

  *#symbolsOf({ package: scope, messageType, enumType, service }: FileDescriptorProto): Generator<string> {
    for (const message of messageType) yield* this.#symbolsOfMessage(scope, message)
    for (const declared of enumType) yield* symbolsOfEnum(scope, declared)
    for (const { name, method } of service) {
      yield `${scope}.${name}`
      for (const each of method) yield `${scope}.${name}.${each.name}`
    }
  }

  *#symbolsOfMessage(scope: string, message: DescriptorProto): Generator<string> {
    const name = `${scope}.${message.name}`
    this.#messages.add(name)
    yield name
    for (const field of [...message.field, ...message.oneofDecl]) yield `${name}.${field.name}`
    for (const nested of message.nestedType) yield* this.#symbolsOfMessage(name, nested)
    for (const declared of message.enumType) yield* symbolsOfEnum(name, declared)
  }
}

/** The values of an enum stand beside it, not in it. */
function* symbolsOfEnum(
  scope: string,
  { name, value }: DescriptorProto['enumType'][number],
): Generator<string> {
  yield `${scope}.${name}`
  for (const each of value) yield `${scope}.${each.name}`
}
