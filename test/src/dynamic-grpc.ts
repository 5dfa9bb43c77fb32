import { join } from 'node:path'
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { repositoryRoot } from './branch.js'

/** What other people's clients are made from: the .proto files of the repository, read when they are needed. */
export function dynamicClient(protoFile: string, serviceName: string, address: string): Client {
  return made(protoFile, join(repositoryRoot, 'proto'), serviceName, address)
}

/** Server reflection, v1 or v1alpha. */
export function reflectionClient(version: 'v1' | 'v1alpha', address: string): Client {
  const file = `grpc/reflection/${version}/reflection.proto`
  return dynamicClient(file, `grpc.reflection.${version}.ServerReflection`, address)
}

function made(protoFile: string, root: string, serviceName: string, address: string): Client {
  const definition = loadSync(protoFile, { includeDirs: [root], longs: String, keepCase: true, oneofs: true })
  let place: unknown = loadPackageDefinition(definition)
  for (const part of serviceName.split('.')) place = (place as Record<string, unknown>)[part]
  return new (place as ServiceClientConstructor)(address, credentials.createInsecure())
}
