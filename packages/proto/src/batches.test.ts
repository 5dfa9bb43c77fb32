import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
} from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'

const set = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../descriptors.binpb', import.meta.url)),
)
const files = set.file.filter((file) => file.package.startsWith('flk.'))
const messages = new Map<string, DescriptorProto>(
  files.flatMap((file) => file.messageType.map((each) => [`.${file.package}.${each.name}`, each])),
)
const requests = files
  .flatMap((file) => file.service.flatMap(({ method }) => method))
  .filter(({ clientStreaming }) => clientStreaming)
  .map(({ inputType }) => inputType)

const repeated = (message: DescriptorProto | undefined): string[] | undefined =>
  message?.field
    .filter(({ label }) => label === Label.REPEATED)
    .map(({ name, number }) => `${name} ${number}`)

// The guard of messages (packages/runtime) counts the fields of a batch, of its items and contexts, and looks no deeper.
it.each(requests)('%s has items and contexts, and nothing in them is repeated', (name) => {
  const request = messages.get(name)
  expect(repeated(request)).toEqual(['items 2', 'contexts 3'])
  for (const { typeName } of request?.field.filter(({ label }) => label === Label.REPEATED) ?? []) {
    expect(repeatedBelow(typeName)).toEqual([])
  }
})

function repeatedBelow(typeName: string): string[] {
  const message = messages.get(typeName)
  const nested =
    message?.field.flatMap((field) => (field.typeName ? repeatedBelow(field.typeName) : [])) ?? []
  return [...(repeated(message) ?? []), ...nested]
}
