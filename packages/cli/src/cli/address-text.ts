import {
  type InternalServiceName,
  localGrpcAddress,
  PORT_DEFAULT,
  topology,
} from '@fractal-lba/runtime/topology'

/** Where a service is when nothing says it, for a help text. */
export function localAddressText(name: InternalServiceName): string {
  return `${localGrpcAddress(name, PORT_DEFAULT)}, or PORT+${topology[name].grpcOffset}`
}
