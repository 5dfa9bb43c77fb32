import { BinaryWriter } from '@bufbuild/protobuf/wire'

interface Codec<Message> {
  encode(message: Message, writer: BinaryWriter): BinaryWriter
}

/**
 * Encodes messages of one kind, each into bytes of its own, with one writer for all of them: a new one has to grow
 * first, which costs several times what the writing does.
 */
export function encoderOf<Message>(codec: Codec<Message>): (message: Message) => Buffer {
  let writer = new BinaryWriter()
  return (message) => {
    try {
      const { buffer, byteOffset, byteLength } = codec.encode(message, writer).finish()
      return Buffer.from(buffer, byteOffset, byteLength)
    } catch (error) {
      // It holds the half of a message.
      writer = new BinaryWriter()
      throw error
    }
  }
}
