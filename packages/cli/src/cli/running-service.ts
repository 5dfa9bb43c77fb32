import { EXIT, Failure } from './failure.js'

/** Uses a running service, and lets go of it. @throws Failure with a sentence for people */
export async function using<Service extends { close(): void }, Result>(
  service: Service,
  use: (service: Service) => Promise<Result>,
): Promise<Result> {
  const { ServiceCallError } = await import('@fractal-lba/log-tools/services')
  try {
    return await use(service)
  } catch (error) {
    if (!(error instanceof ServiceCallError)) throw error
    throw new Failure(error.message, error.mayPass ? EXIT.tryLater : EXIT.refused, { cause: error })
  } finally {
    service.close()
  }
}
