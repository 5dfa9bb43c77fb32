import { reflection } from '@fractal-lba/proto'
import type { Descriptors } from '@fractal-lba/proto/descriptors'
import { status as Grpc, type handleBidiStreamingCall, type Server } from '@grpc/grpc-js'
import { toServiceError } from '../errors.js'
import { demandMessage } from './message-guard.js'

type Request = reflection.ServerReflectionRequest
type Response = reflection.ServerReflectionResponse
type Message = Response['messageResponse']

const V1 = 'grpc.reflection.v1.ServerReflection'
/** The same messages under the name that they had before: older clients know no other. */
const V1_ALPHA = 'grpc.reflection.v1alpha.ServerReflection'

let read: Promise<Descriptors> | undefined

/** Reading takes some ten milliseconds, and few are ever asked: it is done at the first question. */
function descriptors(): Promise<Descriptors> {
  read ??= import('@fractal-lba/proto/descriptors').then(({ Descriptors }) => Descriptors.read())
  return read
}

/**
 * Adds grpc.reflection (v1 and v1alpha), which answers with the descriptors as they were compiled.
 * @param services all that the server has, without reflection
 */
export function addReflection(server: Server, services: readonly string[]): void {
  const { serverReflectionInfo: v1 } = reflection.ServerReflectionService
  const v1Alpha = { ...v1, path: `/${V1_ALPHA}/ServerReflectionInfo` }
  const names = [...services, V1, V1_ALPHA].sort()
  const answer = async (received: Request): Promise<Response> => {
    const request = demandMessage(received)
    return {
      validHost: request.host,
      originalRequest: request,
      messageResponse: messageFor(request, names, await descriptors()),
    }
  }
  for (const method of [v1, v1Alpha]) {
    server.addService({ serverReflectionInfo: method }, { serverReflectionInfo: answering(answer) })
  }
}

/** One question after the other: the next is read when the last was answered. */
function answering(
  answer: (request: Request) => Promise<Response>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    call.on('data', (request: Request) => {
      call.pause()
      answer(request).then(
        (response) => {
          if (call.cancelled) return
          call.write(response)
          call.resume()
        },
        (error: unknown) => call.emit('error', toServiceError(error)),
      )
    })
    call.on('end', () => call.end())
    call.on('error', () => undefined)
  }
}

function messageFor({ messageRequest }: Request, names: readonly string[], known: Descriptors): Message {
  switch (messageRequest?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: names.map((name) => ({ name })) } }
    case 'fileByFilename':
      return fileMessage(known, messageRequest.value)
    case 'fileContainingSymbol':
      return fileMessage(known, known.fileOfSymbol(messageRequest.value))
    case 'allExtensionNumbersOfType':
      if (!known.isMessage(messageRequest.value)) return notFound('there is no such message')
      return {
        $case: 'allExtensionNumbersResponse',
        value: { baseTypeName: messageRequest.value, extensionNumber: [] },
      }
    case 'fileContainingExtension':
      return notFound('no message has extensions')
    default:
      return error(Grpc.INVALID_ARGUMENT, 'the request asks for nothing')
  }
}

function fileMessage(known: Descriptors, name: string | undefined): Message {
  const files = name === undefined ? undefined : known.fileAndDependencies(name)
  if (!files) return notFound('there is no such file or symbol')
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: files } }
}

function notFound(message: string): Message {
  return error(Grpc.NOT_FOUND, message)
}

function error(errorCode: Grpc, errorMessage: string): Message {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } }
}
