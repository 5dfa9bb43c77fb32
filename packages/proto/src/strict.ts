import { BinaryReader } from '@bufbuild/protobuf/wire'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const decodeUtf8 = (bytes: Uint8Array): string => utf8.decode(bytes)

/** Decodes a message whose strings must be UTF-8, as protobuf demands; a plain decoder replaces what is not. @throws Error */
export function decodeStrictly<Message>(
  { decode }: { decode(input: BinaryReader): Message },
  bytes: Uint8Array,
): Message {
  return decode(new BinaryReader(bytes, decodeUtf8))
}
